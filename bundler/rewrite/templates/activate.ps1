# Run this file in PowerShell: `. @SCRIPTS@/@NAME@`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python "$env:VIRTUAL_ENV" PACKAGE

if (Test-Path -LiteralPath Function:deactivate) {
    deactivate -NonDestructive
}

function global:deactivate([switch]$NonDestructive) {
    if (Test-Path -LiteralPath Variable:_BundleBefore) {
        $env:PATH = $_BundleBefore.Path
        if ($null -ne $_BundleBefore.PythonHome) {
            $env:PYTHONHOME = $_BundleBefore.PythonHome
        }
        if ($null -ne $_BundleBefore.Prompt) {
            Set-Content -LiteralPath Function:prompt -Value $_BundleBefore.Prompt
        }
        Remove-Variable -Name _BundleBefore -Scope Global
    }
    foreach ($name in 'VIRTUAL_ENV', 'VIRTUAL_ENV_PROMPT') {
        if (Test-Path -LiteralPath "Env:$name") {
            Remove-Item -LiteralPath "Env:$name"
        }
    }
    if (-not $NonDestructive) {
        Remove-Item -LiteralPath Function:deactivate
    }
}

$env:VIRTUAL_ENV = Split-Path -Parent $PSScriptRoot
$env:VIRTUAL_ENV_PROMPT = Split-Path -Leaf $env:VIRTUAL_ENV
$config = Join-Path $env:VIRTUAL_ENV 'pyvenv.cfg'
if (Test-Path -LiteralPath $config) {
    foreach ($line in Get-Content -LiteralPath $config -Encoding UTF8) {
        if ($line.StartsWith('prompt = ')) {
            $env:VIRTUAL_ENV_PROMPT = $line.Substring(9)
        }
    }
}
$global:_BundleBefore = @{ Path = $env:PATH; PythonHome = $env:PYTHONHOME; Prompt = $null }
$env:PATH = (@FOLDERS@, $env:PATH) -join [System.IO.Path]::PathSeparator
if (Test-Path -LiteralPath Env:PYTHONHOME) {
    Remove-Item -LiteralPath Env:PYTHONHOME
}
if (-not $env:VIRTUAL_ENV_DISABLE_PROMPT) {
    $global:_BundleBefore.Prompt = $function:prompt
    function global:prompt {
        "($env:VIRTUAL_ENV_PROMPT) " + (& $_BundleBefore.Prompt)
    }
}
