#!/bin/sh
# cyclonedx-python-lib writes the places of a component in an order of chance, unless each has a bom-ref.
#
# Versions: cyclonedx-python-lib 11.12.0.
# Behaviour: the library keeps evidence's occurrences sorted, by their bom-ref first. Where these have no value they are compared by a text
#   with the object's address in memory, so the location never counts: two equal lists come out in different orders, in one process already.
# For a packer: whoever promises the same bytes for the same input has to give each occurrence a bom-ref of its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PIP_DISABLE_PIP_VERSION_CHECK=1
cannot() { echo "cannot be run here: $*" >&2; exit 77; }

"${PYTHON:-python3}" -m venv tools || cannot "python3 has no venv"
tools/bin/python -m pip install -q cyclonedx-python-lib==11.12.0 >&2 || cannot "no cyclonedx-python-lib 11.12.0 from PyPI"

cat >ask.py <<'END'
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence

PLACES = [f"lib/{number:02}.so" for number in range(12)]


def orders(named):
    """How many orders a hundred equal lists come out in."""
    found = set()
    kept = []
    for _ in range(100):
        made = [Occurrence(location=place, bom_ref=place if named else None) for place in reversed(PLACES)]
        kept.append([bytearray(1000 + len(kept)), made.pop(3)])  # what a program does meanwhile
        made.append(Occurrence(location=PLACES[8], bom_ref=PLACES[8] if named else None))
        found.add(tuple(each.location for each in ComponentEvidence(occurrences=made).occurrences))
    return len(found)


print("with bom-refs:", "one order" if orders(True) == 1 else "several orders")
print("without:", "one order" if orders(False) == 1 else "several orders")
END

expected='with bom-refs: one order
without: several orders'
seen=$(tools/bin/python ask.py 2>"$work/said") || :
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf '\nThis has changed. It was:\n%s\n' "$expected"; cat "$work/said"; exit 1; } >&2
