#!/bin/sh
# CPython 3.11 and later, found through a relative folder on PATH, does not know its own executable.
#
# Versions: CPython 3.11.2 (Debian 12), 3.11.7, 3.12.1, 3.13.0; Linux. 3.8.18 and 3.10.13 give the whole path.
#
# Where PATH has `.` or an empty element, a shell starts `./python` under the name `python`. Python looks for that name on PATH by itself
# (Modules/getpath.py) and does not make what it finds there absolute, as getpath.c did up to 3.10: `sys.executable` is `python` for an
# empty element, and for `.` empty, or the file of that name in a later folder. So `subprocess.run([sys.executable, …])` starts another
# program, or none, after a change of the working directory. (python/cpython#154160 tells of it, open in November 2026.)
#
# What follows for a packer: a name that leads to the interpreter through a relative folder must count as one that leads elsewhere.
set -eu
python=$(command -v "${PYTHON:-python3}") || { echo "no python3 here"; exit 77; }
python=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
"$python" -c 'import sys; print("CPython %d.%d.%d" % sys.version_info[:3]); sys.exit(sys.version_info < (3, 11))' || {
    echo "older than 3.11: set PYTHON to another"
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$python" "$folder/some-python"
cd "$folder"
wrong=
for path in "$folder" . :/nonexistent; do
    seen=$(PATH=$path; export PATH; some-python -c 'import sys; print(sys.executable)' 2>/dev/null) || seen="an error"
    case $path in
    .) expected='' ;;
    :*) expected=some-python ;;
    *) expected=$folder/some-python ;;
    esac
    echo "PATH=$(echo "$path" | sed "s,$folder,FOLDER,"): sys.executable is '$(echo "$seen" | sed "s,$folder,FOLDER,")'"
    [ "$seen" = "$expected" ] || { echo "  it was '$expected'"; wrong=1; }
done
[ -z "$wrong" ]
