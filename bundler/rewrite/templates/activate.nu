# Use this file in nushell 0.101 or later: `overlay use @SCRIPTS@/activate.nu`. `deactivate` takes everything back.
# To install into the bundle: uv pip install --python $env.VIRTUAL_ENV PACKAGE

const file = path self

export-env {
    let folder = $file | path expand | path dirname | path dirname
    let config = $folder | path join pyvenv.cfg
    let said = if ($config | path exists) { open --raw $config | lines } else { [] }
    let prompts = $said | where $it starts-with "prompt = "
    let name = if ($prompts | is-empty) { $folder | path basename } else { $prompts | first | str substring 9.. }
    let search = $env.PATH | if ($in | describe) == "string" { split row (char esep) } else { $in }
    load-env {
        VIRTUAL_ENV: $folder
        VIRTUAL_ENV_PROMPT: $name
        PATH: ($search | prepend [@FOLDERS@])
    }
    hide-env --ignore-errors PYTHONHOME
    if ($env.VIRTUAL_ENV_DISABLE_PROMPT? | is-empty) {
        let before = $env.PROMPT_COMMAND?
        $env.PROMPT_COMMAND = {||
            let rest = if ($before | describe) == "closure" { do $before } else { $before }
            $"\(($name)) ($rest)"
        }
    }
}

export alias deactivate = overlay hide activate
