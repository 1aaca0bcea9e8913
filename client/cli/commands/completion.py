# SPDX-License-Identifier: MIT
"""``osak completion``: a script that makes a shell complete osak's commands and options.

The script asks osak itself at every tab, so it never falls behind the options there are.
"""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")
# click looks for its request in this variable, by the program's name.
_VARIABLE = "_OSAK_COMPLETE"


@click.command(short_help="Print a script that completes commands and options in your shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script for SHELL; where it goes depends on the shell.

    \b
    eval "$(osak completion bash)"      # in ~/.bashrc; bash 4.4 or newer
    eval "$(osak completion zsh)"       # in ~/.zshrc, after compinit
    osak completion fish > ~/.config/fish/completions/osak.fish
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    found = get_completion_class(shell)
    assert found is not None, "click knows all of _SHELLS"
    click.echo(found(context.find_root().command, {}, "osak", _VARIABLE).source())
