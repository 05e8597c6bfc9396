@rem Run this file in cmd: `Scripts\activate`. `deactivate` takes everything back.
@rem To install into the bundle: uv pip install --python "%VIRTUAL_ENV%" PACKAGE

@rem The names below are those that venv, virtualenv and uv use: each takes back what another did.
@if defined _OLD_VIRTUAL_PATH set "PATH=%_OLD_VIRTUAL_PATH%"
@if defined _OLD_VIRTUAL_PYTHONHOME set "PYTHONHOME=%_OLD_VIRTUAL_PYTHONHOME%"
@if defined _OLD_VIRTUAL_PROMPT set "PROMPT=%_OLD_VIRTUAL_PROMPT%"
@set _OLD_VIRTUAL_PYTHONHOME=
@set _OLD_VIRTUAL_PROMPT=

@for %%F in ("%~dp0..") do @set "VIRTUAL_ENV=%%~fF"
@set VIRTUAL_ENV_PROMPT=
@for %%F in ("%VIRTUAL_ENV%") do @set "VIRTUAL_ENV_PROMPT=%%~nxF"
@if not defined VIRTUAL_ENV_PROMPT set "VIRTUAL_ENV_PROMPT=%VIRTUAL_ENV%"

@set "_OLD_VIRTUAL_PATH=%PATH%"
@set "PATH=@FOLDERS@;%PATH%"
@if defined PYTHONHOME set "_OLD_VIRTUAL_PYTHONHOME=%PYTHONHOME%"
@set PYTHONHOME=
@if defined VIRTUAL_ENV_DISABLE_PROMPT exit /b 0
@if not defined PROMPT set "PROMPT=$P$G"
@set "_OLD_VIRTUAL_PROMPT=%PROMPT%"
@rem A dollar begins a code there, and two of them show one.
@set "PROMPT=(%VIRTUAL_ENV_PROMPT:$=$$%) %PROMPT%"
@exit /b 0
