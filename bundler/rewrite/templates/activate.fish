# Source this file in fish: `source bin/activate.fish`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python "$VIRTUAL_ENV" PACKAGE

function deactivate --description 'Leave the bundle'
    if set -q _BUNDLE_OLD_PATH
        set -gx PATH $_BUNDLE_OLD_PATH
        set -e _BUNDLE_OLD_PATH
    end
    if set -q _BUNDLE_OLD_PYTHONHOME
        set -gx PYTHONHOME $_BUNDLE_OLD_PYTHONHOME
        set -e _BUNDLE_OLD_PYTHONHOME
    end
    if functions -q _bundle_old_fish_prompt
        functions -e fish_prompt
        functions -c _bundle_old_fish_prompt fish_prompt
        functions -e _bundle_old_fish_prompt
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != keep
        functions -e deactivate
    end
end

deactivate keep

set -gx VIRTUAL_ENV (cd (dirname (realpath (status filename)))/..; and pwd -P)
set -gx VIRTUAL_ENV_PROMPT (basename $VIRTUAL_ENV)
set -g _BUNDLE_OLD_PATH $PATH
set -gx PATH $VIRTUAL_ENV/bin $PATH
if set -q PYTHONHOME
    set -g _BUNDLE_OLD_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end
if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _bundle_old_fish_prompt
    function fish_prompt
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        _bundle_old_fish_prompt
    end
end
