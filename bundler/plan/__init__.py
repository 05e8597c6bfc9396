"""What shall be: a plan decides on every path of a bundle.

In the order of `make.make_plan`: `settings` (what was decided before), `bases`, `system_site`, `editables` and `application`
(what is taken from where, as `mounts`), `collect` (every path of it), `completeness`, `interpreter` (what every bundle has),
`filters`, `landmarks` (where Python's search for its own parts ends), `binaries`, `texts`, `compiling`, `records`, `modes`,
`without_links`, `times`. `overlay` holds what the stages hand on, `origins` the words for where a path came from. `output` tells
sinks what they need to know of a plan, and `manifest_entry` makes `bundle.json` when all is written.

A plan reads files of the environment, and the same facts give the same plan. It changes nothing but the workspace that it is
given: there the environment's Python compiles modules, and build back ends make wheels of editable projects.
"""
