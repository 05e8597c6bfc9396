# Source this file in tcsh: `source @SCRIPTS@/activate.csh`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python "$VIRTUAL_ENV" PACKAGE

if ( "`alias deactivate`" != "" ) then
    deactivate nondestructive
endif

# Where this file is: csh does not say; under Linux it has it open, and /proc knows what is open.
set _bundle_dir = ""
if ( $?BUNDLE_DIR ) then
    set _bundle_dir = $BUNDLE_DIR:q
    if ( $_bundle_dir:q !~ /* ) set _bundle_dir = $cwd:q/$_bundle_dir:q
else if ( -d /proc/$$/fd ) then
    foreach _bundle_open ( /proc/$$/fd/* )
        set _bundle_link = "`readlink $_bundle_open`"
        if ( $_bundle_link:q =~ */activate.csh ) then
            set _bundle_dir = $_bundle_link:h:q
            set _bundle_dir = $_bundle_dir:h:q
        endif
    end
    unset _bundle_open _bundle_link
endif

if ( ! -x $_bundle_dir:q/@PYTHON@ ) then
    unset _bundle_dir
    sh -c 'echo "activate.csh: this shell cannot tell where this file is: setenv BUNDLE_DIR to the folder of the bundle, then source it again" >&2'
    exit 1
endif

setenv VIRTUAL_ENV $_bundle_dir:q
unset _bundle_dir
set _bundle_prompt = ( `sed -n 's/^prompt = //p' $VIRTUAL_ENV:q/pyvenv.cfg` )
setenv VIRTUAL_ENV_PROMPT "$_bundle_prompt"
unset _bundle_prompt
if ( $VIRTUAL_ENV_PROMPT:q == "" ) setenv VIRTUAL_ENV_PROMPT $VIRTUAL_ENV:t:q

# What `deactivate` evaluates: only what was set is put back.
set _OLD_VIRTUAL_PATH = $PATH:q
set _bundle_restore = 'setenv PATH $_OLD_VIRTUAL_PATH:q; unset _OLD_VIRTUAL_PATH'
setenv PATH @FOLDERS@:$PATH:q
if ( $?PYTHONHOME ) then
    set _OLD_VIRTUAL_PYTHONHOME = $PYTHONHOME:q
    set _bundle_restore = "$_bundle_restore"'; setenv PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME:q; unset _OLD_VIRTUAL_PYTHONHOME'
    unsetenv PYTHONHOME
endif
if ( $?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then
    set _OLD_VIRTUAL_PROMPT = $prompt:q
    set _bundle_restore = "$_bundle_restore"'; set prompt = $_OLD_VIRTUAL_PROMPT:q; unset _OLD_VIRTUAL_PROMPT'
    set prompt = "("$VIRTUAL_ENV_PROMPT:gas/%/%%/:q") "$prompt:q
endif

alias deactivate 'eval $_bundle_restore:q; unset _bundle_restore; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; if ( "\!:*" != nondestructive ) unalias deactivate'
rehash
