# Source this file in fish: `source @SCRIPTS@/activate.fish`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python "$VIRTUAL_ENV" PACKAGE

# The names below are those that venv, virtualenv and uv use: each takes back what another did.
if functions -q deactivate
    deactivate nondestructive
end

function deactivate --description 'Leave the bundle'
    if set -q _OLD_VIRTUAL_PATH
        set -gx PATH $_OLD_VIRTUAL_PATH
        set -e _OLD_VIRTUAL_PATH
    end
    if set -q _OLD_VIRTUAL_PYTHONHOME
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
        set -e _OLD_VIRTUAL_PYTHONHOME
    end
    if functions -q _old_fish_prompt
        functions -e fish_prompt
        functions -c _old_fish_prompt fish_prompt
        functions -e _old_fish_prompt _bundle_status
        set -e _OLD_FISH_PROMPT_OVERRIDE
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != nondestructive
        functions -e deactivate
    end
end

set -gx VIRTUAL_ENV (realpath (dirname (realpath (status filename)))/..)
set -gx VIRTUAL_ENV_PROMPT
if test -r $VIRTUAL_ENV/pyvenv.cfg
    set -gx VIRTUAL_ENV_PROMPT (string replace -rf '^prompt = ' '' <$VIRTUAL_ENV/pyvenv.cfg)
end
if test -z "$VIRTUAL_ENV_PROMPT"
    set -gx VIRTUAL_ENV_PROMPT (string replace -r '.*/' '' $VIRTUAL_ENV)
end
set -g _OLD_VIRTUAL_PATH $PATH
set -gx PATH @FOLDERS@ $PATH
if set -q PYTHONHOME
    set -g _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end
if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _old_fish_prompt
    set -g _OLD_FISH_PROMPT_OVERRIDE $VIRTUAL_ENV
    function _bundle_status
        return $argv[1]
    end
    function fish_prompt
        set -l last $status
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        _bundle_status $last # the prompt may show it
        _old_fish_prompt
    end
end
