"""Completion scripts for shells, from the same entries as the help."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pocketgan.base.errors import UserError, nearest
from pocketgan.cli.commands import entries_of_command
from pocketgan.cli.help_text import Entry
from pocketgan.config.recipes import RECIPES

SHELLS = ("bash", "zsh", "fish")
LONGEST = 60
"""Maximum length of a description in a list of candidates."""


class Flag(NamedTuple):
    """A flag of a command.

    Attributes:
        names: how it is written: `-o`, `--out`.
        about: what it is, in short.
        takes_value: whether a value follows.
        choices: the possible values; empty if there are others, too.
    """

    names: list[str]
    about: str
    takes_value: bool
    choices: list[str]


class Completed(NamedTuple):
    """What can follow a command.

    Attributes:
        about: what the command does.
        words: names without a flag, such as those of recipes.
        flags: its flags.
    """

    about: str
    words: list[str]
    flags: list[Flag]


def completion(shell: str, abouts: Mapping[str, str]) -> str:
    """Returns the completion script of a shell.

    Args:
        shell: `bash`, `zsh` or `fish`.
        abouts: what each command does, by its name.

    Raises:
        UserError: the shell is unknown.
    """
    if shell not in SHELLS:
        hint = nearest(shell, SHELLS)
        raise UserError("not one of", field="--print-completion", value=shell, hint=hint, known=", ".join(SHELLS))
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell](commands(abouts))


def commands(abouts: Mapping[str, str]) -> dict[str, Completed]:
    """Returns what can follow each command."""
    from pocketgan.studies.predeclared import STUDIES

    words = {"train": list(RECIPES), "summary": list(RECIPES), "study": list(STUDIES)}
    return {
        name: Completed(about, words.get(name, []), [*map(flag_of, entries_of_command(name)), HELP])
        for name, about in abouts.items()
    }


HELP = Flag(["-h", "--help"], "show the help", False, [])


def flag_of(entry: Entry) -> Flag:
    """Returns the flag of an entry of the help: `-o, --out PATH`, `--theme dark|light`, `--replan, --no-replan`."""
    names = re.findall(r"(?:^|(?<=, ))--?[\w-]+", entry.flag)
    value = entry.flag[entry.flag.rindex(names[-1]) + len(names[-1]) :].strip()
    choices = value.split("|") if "|" in value and not re.search(r"[^\w|.-]|[A-Z]", value) else []
    about = re.split(r"(?<=[.;:]) |\n", entry.about)[0].rstrip(".;:")
    about = about if len(about) <= LONGEST else f"{about[: LONGEST - 1].rpartition(' ')[0]} …"
    return Flag(names, about, bool(value), choices)


def bash(known: dict[str, Completed]) -> str:
    """Returns the script for bash."""
    values, follow = [], []
    for name, (_, words, flags) in known.items():
        names = [one for flag in flags for one in flag.names]
        follow.append(f'        {name}) words="{" ".join([*words, *names])}" ;;')
        for flag in flags:
            pattern = "|".join(f"{name}:{one}" for one in flag.names)
            if flag.takes_value:
                values.append(f'        {pattern}) words="{" ".join(flag.choices)}"; value=yes ;;')
    return "\n".join([
        '# Completion for bash. Add to ~/.bashrc: eval "$(pocketgan --print-completion bash)"',
        "_pocketgan() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
        '    local command="${COMP_WORDS[1]}" words="" value=""',
        "    COMPREPLY=()",
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        COMPREPLY=($(compgen -W "{" ".join([*known, "--help", "--version"])}" -- "$current"))',
        "        return",
        "    fi",
        '    case "$command:$previous" in',
        *values,
        "    esac",
        '    if [ -z "$value" ]; then case "$command" in',
        *follow,
        "    esac; fi",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o default -F _pocketgan pocketgan",
    ])  # fmt: skip


def described(pairs: Sequence[tuple[str, str]]) -> str:
    """Returns names with descriptions in the form of zsh's `_describe`."""
    return " ".join(shlex.quote(f"{name}:{about.replace(':', ' ')}" if about else name) for name, about in pairs)


def zsh(known: dict[str, Completed]) -> str:
    """Returns the script for zsh."""
    values, follow = [], []
    for name, (_, words, flags) in known.items():
        pairs = [(word, "") for word in words] + [(one, flag.about) for flag in flags for one in flag.names]
        follow.append(f"        {name}) candidates=({described(pairs)}) ;;")
        for flag in flags:
            pattern = "|".join(f"{name}:{one}" for one in flag.names)
            if flag.takes_value:
                action = f"compadd -- {' '.join(flag.choices)}" if flag.choices else "_files"
                values.append(f"        {pattern}) {action}; return ;;")
    overview = described([(name, one.about) for name, one in known.items()])
    return "\n".join([
        "#compdef pocketgan",
        '# Completion for zsh. Add to ~/.zshrc, after compinit: eval "$(pocketgan --print-completion zsh)"',
        "_pocketgan() {",
        "    local -a candidates",
        '    local command="${words[2]}" previous="${words[CURRENT-1]}"',
        f"    if (( CURRENT == 2 )); then candidates=({overview}); _describe command candidates; return; fi",
        '    case "$command:$previous" in',
        *values,
        "    esac",
        '    case "$command" in',
        *follow,
        "    esac",
        "    _describe argument candidates",
        "    _files",
        "}",
        "compdef _pocketgan pocketgan",
    ])  # fmt: skip


def fish(known: dict[str, Completed]) -> str:
    """Returns the script for fish."""
    lines = ["# Completion for fish: pocketgan --print-completion fish > ~/.config/fish/completions/pocketgan.fish"]
    for name, (about, words, flags) in known.items():
        lines.append(f"complete -c pocketgan -n __fish_use_subcommand -f -a {name} -d {shlex.quote(about)}")
        seen = f"complete -c pocketgan -n '__fish_seen_subcommand_from {name}'"
        if words:
            lines.append(f"{seen} -a {shlex.quote(' '.join(words))}")
        for flag in flags:
            spelled = " ".join(f"-s {one[1:]}" if len(one) == 2 else f"-l {one[2:]}" for one in flag.names)
            choices = f" -x -a {shlex.quote(' '.join(flag.choices))}" if flag.choices else ""
            value = choices or (" -r" if flag.takes_value else "")
            lines.append(f"{seen} {spelled}{value} -d {shlex.quote(flag.about)}")
    return "\n".join(lines)
