"""Completion scripts for shells, from the same entries as the help.

Names in files of one's own (`my_gan.py:Painter`) are completed from the text of the file. No code is run for that, and
Pocketgan isn't started.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pocketgan.base.errors import UserError, nearest
from pocketgan.cli.commands import entries_of_command
from pocketgan.cli.help_text import Entry
from pocketgan.config import parts
from pocketgan.config.parts import Kind
from pocketgan.config.recipes import RECIPES

SHELLS = ("bash", "zsh", "fish")
LONGEST = 60
"""Maximum length of a description in a list of candidates."""
DEFINED: dict[Kind, str] = {
    "generator": "class",
    "discriminator": "class",
    "optimizer": "class",
    "objective": "value",
    "metric": "value",
    "schedule": "def",
    "recipe": "def",
}
"""How a file defines the parts of a kind: as classes, as functions, or as what a call returns."""
NAMING: dict[str, Kind] = {**{f"--{kind}": kind for kind in parts.NAMED}, "--metrics": "metric", "--recipe": "recipe"}
"""The flags that name parts, and the kind of the parts."""
NAME = "[A-Za-z][A-Za-z0-9_]*"
PATTERNS = {
    "class": rf"s/^class +({NAME}).*/\1/p",
    "def": rf"s/^def +({NAME}).*/\1/p",
    "value": rf"s/^({NAME}) *(:[^=]*)?= *[A-Za-z_][A-Za-z0-9_.]*\(.*/\1/p",
}
PATTERNS["any"] = "; ".join(PATTERNS.values())
"""Programs for `sed -nE` that print the names which a file defines in a way."""


class Flag(NamedTuple):
    """A flag of a command.

    Attributes:
        names: how it is written: `-o`, `--out`.
        about: what it is, in short.
        takes_value: whether a value follows.
        choices: the possible values; empty if they can't be listed. Of parts: those of the package and of installed
            packages.
        defined: how a file of one's own defines the values; see `PATTERNS`. Empty if none does.
    """

    names: list[str]
    about: str
    takes_value: bool
    choices: list[str]
    defined: str = ""


class Completed(NamedTuple):
    """What can follow a command.

    Attributes:
        about: what the command does.
        words: names without a flag, such as those of recipes.
        flags: its flags.
        defined: how a file of one's own defines more of the words, as in `Flag`.
    """

    about: str
    words: list[str]
    flags: list[Flag]
    defined: str = ""


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

    recipes = [*RECIPES, *parts.names("recipe")]
    words = {"train": recipes, "summary": recipes, "study": list(STUDIES)}
    defined = {"train": "def", "summary": "def", "check": "any"}
    return {
        name: Completed(
            about, words.get(name, []), [*map(flag_of, entries_of_command(name)), HELP], defined.get(name, "")
        )
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
    kind: Kind | None = next((NAMING[name] for name in names if name in NAMING), None)
    if kind is None:
        return Flag(names, about, bool(value), choices)
    package = list(RECIPES) if kind == "recipe" else []
    return Flag(names, about, True, [*package, *parts.names(kind)], DEFINED[kind])


def names_in_file() -> list[str]:
    """Returns a function for bash and zsh that prints the names which a file defines: `_pocketgan_names FILE class`."""
    return [
        "_pocketgan_names() {",
        '    case "$2" in',
        *(f'        {way}) [ -r "$1" ] && sed -nE {shlex.quote(text)} "$1" ;;' for way, text in PATTERNS.items()),
        "    esac",
        "}",
    ]


def bash(known: dict[str, Completed]) -> str:
    """Returns the script for bash."""
    values, follow = [], []
    for name, (_, words, flags, defined) in known.items():
        names = [one for flag in flags for one in flag.names]
        follow.append(f'        {name}) words="{" ".join([*words, *names])}"; defined={defined} ;;')
        for flag in flags:
            pattern = "|".join(f"{name}:{one}" for one in flag.names)
            if flag.takes_value:
                choices = f'words="{" ".join(flag.choices)}"; defined={flag.defined}; value=yes'
                values.append(f"        {pattern}) {choices} ;;")
    return "\n".join([
        '# Completion for bash. Add to ~/.bashrc: eval "$(pocketgan --print-completion bash)"',
        *names_in_file(),
        "_pocketgan() {",
        '    local at="$COMP_CWORD" current="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]}"',
        '    local words="" value="" defined="" file="" before=""',
        "    COMPREPLY=()",
        '    if [ "$at" -eq 1 ]; then',
        f'        COMPREPLY=($(compgen -W "{" ".join([*known, "--help", "--version"])}" -- "$current"))',
        "        return",
        "    fi",
        "    # FILE.py:NAME is one word, or three where COMP_WORDBREAKS has the colon.",
        '    if [[ "$current" == *.py:* ]]; then',
        '        file="${current%%.py:*}.py" before="${current%%.py:*}.py:" current="${current#*.py:}"',
        '    elif [ "$current" = : ]; then',
        '        at=$((at - 1)) file="${COMP_WORDS[at]}" current=""',
        '    elif [ "${COMP_WORDS[at-1]}" = : ]; then',
        '        at=$((at - 2)) file="${COMP_WORDS[at]}"',
        "    fi",
        '    case "$command:${COMP_WORDS[at-1]}" in',
        *values,
        "    esac",
        '    if [ -z "$value" ]; then case "$command" in',
        *follow,
        "    esac; fi",
        '    if [ -n "$file" ]; then words="$(_pocketgan_names "$file" "$defined")"; fi',
        '    COMPREPLY=($(compgen -P "$before" -W "$words" -- "$current"))',
        '    if [ -n "$defined" ] && [ -z "$file" ]; then',
        "        local IFS=$'\\n'",
        "        COMPREPLY+=($(compgen -f -X '!*.py' -S : -- \"$current\"))",
        '        [[ "${#COMPREPLY[@]}" -eq 1 && "${COMPREPLY[0]}" == *: ]] && compopt -o nospace 2>/dev/null',
        "    fi",
        "    return 0",
        "}",
        "complete -o default -F _pocketgan pocketgan",
    ])  # fmt: skip


def described(pairs: Sequence[tuple[str, str]]) -> str:
    """Returns names with descriptions in the form of zsh's `_describe`."""
    return " ".join(shlex.quote(f"{name}:{about.replace(':', ' ')}" if about else name) for name, about in pairs)


def zsh(known: dict[str, Completed]) -> str:
    """Returns the script for zsh."""
    values, follow = [], []
    for name, (_, words, flags, defined) in known.items():
        pairs = [(word, "") for word in words] + [(one, flag.about) for flag in flags for one in flag.names]
        follow.append(f"        {name}) defined={defined}; candidates=({described(pairs)}) ;;")
        for flag in flags:
            pattern = "|".join(f"{name}:{one}" for one in flag.names)
            if flag.takes_value:
                action = f"compadd -- {' '.join(flag.choices)}" if flag.choices else "_files"
                action = f"_pocketgan_part {flag.defined} {' '.join(flag.choices)}" if flag.defined else action
                values.append(f"        {pattern}) {action}; return ;;")
    overview = described([(name, one.about) for name, one in known.items()])
    return "\n".join([
        "#compdef pocketgan",
        '# Completion for zsh. Add to ~/.zshrc, after compinit: eval "$(pocketgan --print-completion zsh)"',
        *names_in_file(),
        "_pocketgan_part() {",
        '    local way="$1" file="${PREFIX%%.py:*}.py"',
        "    shift",
        '    if [[ "$PREFIX" == *.py:* ]]; then',
        "        compset -P '*.py:'",
        '        compadd -- $(_pocketgan_names "$file" "$way")',
        "    else",
        '        compadd -- "$@"',
        "        _files -g '*.py' -S :",
        "    fi",
        "}",
        "_pocketgan() {",
        "    local -a candidates",
        '    local command="${words[2]}" previous="${words[CURRENT-1]}" defined=""',
        f"    if (( CURRENT == 2 )); then candidates=({overview}); _describe command candidates; return; fi",
        '    case "$command:$previous" in',
        *values,
        "    esac",
        '    case "$command" in',
        *follow,
        "    esac",
        '    if [[ -n "$defined" && "$PREFIX" == *.py:* ]]; then _pocketgan_part "$defined"; return; fi',
        "    _describe argument candidates",
        "    _files",
        "}",
        "compdef _pocketgan pocketgan",
    ])  # fmt: skip


def fish(known: dict[str, Completed]) -> str:
    """Returns the script for fish."""
    lines = [
        "# Completion for fish: pocketgan --print-completion fish > ~/.config/fish/completions/pocketgan.fish",
        "function __pocketgan_part",
        "    set -l word (commandline -ct)",
        "    if string match -q '*.py:*' -- \"$word\"",
        "        set -l file (string replace -r '\\.py:.*' .py -- $word)",
        "        for name in (test -r $file; and sed -nE $argv[1] $file)",
        "            echo $file:$name",
        "        end",
        "    else",
        '        for file in "$word"*.py',
        "            echo $file:",
        "        end",
        '        for folder in "$word"*/',
        "            echo $folder",
        "        end",
        "    end",
        "end",
    ]
    for name, (about, words, flags, defined) in known.items():
        lines.append(f"complete -c pocketgan -n __fish_use_subcommand -f -a {name} -d {quoted(about)}")
        seen = f"complete -c pocketgan -n '__fish_seen_subcommand_from {name}'"
        if words:
            lines.append(f"{seen} -a {quoted(' '.join(words))}")
        if defined:
            lines.append(f"{seen} -a {quoted(in_files(defined))}")
        for flag in flags:
            spelled = " ".join(f"-s {one[1:]}" if len(one) == 2 else f"-l {one[2:]}" for one in flag.names)
            candidates = [*flag.choices, *([in_files(flag.defined)] if flag.defined else [])]
            choices = f" -x -a {quoted(' '.join(candidates))}" if candidates else ""
            value = choices or (" -r" if flag.takes_value else "")
            lines.append(f"{seen} {spelled}{value} -d {quoted(flag.about)}")
    return "\n".join(lines)


def in_files(defined: str) -> str:
    """Returns the command of fish that lists files and the names in them."""
    return f"(__pocketgan_part {quoted(PATTERNS[defined])})"


def quoted(text: str) -> str:
    """Returns a text as one word of fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
