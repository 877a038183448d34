# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs cai and reads its JSON output."""

import json

# The format version of the documents that this collection reads.
FORMAT_VERSION = 1


class CaiError(Exception):
    """A failure, with the keys that the module returns for it."""

    def __init__(self, message, **keys):
        super().__init__(message)
        self.keys = keys


class Cai:
    """The cai of a host, with the options of every command."""

    def __init__(self, module):
        self.module = module
        executable = module.params["executable"]
        self.program = module.get_bin_path(executable)
        if self.program is None:
            raise CaiError(
                "%s is not an executable on the PATH of this session\n"
                "help: install cai on the host, or set `executable` to its path" % executable
            )
        self.options = ["--color=never", "--file", module.params["file"]]
        if module.params["simulate"] is not None:
            self.options.append("--simulate=" + module.params["simulate"])

    def run(self, *words):
        """Runs a command. Returns its exit code and output."""
        command = [self.program] + self.options + list(words)
        try:
            return self.module.run_command(
                command, expand_user_and_vars=False, handle_exceptions=False
            )
        except OSError as error:
            raise CaiError("%s could not be started: %s" % (self.program, error)) from error

    def text(self, *words):
        """The output of a command for people. A failure is left to the command that reports it as JSON."""
        code, out, err = self.run(*words)
        return out if code == 0 else ""

    def allow(self):
        """Allows the programs and files that the file takes values from. Returns what they are."""
        code, out, err = self.run("allow", "--yes")
        if code != 0:
            raise failure(code, [], err)
        return out

    def documents(self, *words):
        """The JSON documents or lines of a command that must succeed."""
        code, out, err = self.run(*words + ("--json",))
        for warning in warnings(err):
            self.module.warn(warning)
        found = documents(out)
        if code != 0:
            raise failure(code, found, err)
        check_format(found, self.program)
        return found

    def report(self):
        """The line of `cai report`, which has an error if the machine cannot be inspected."""
        code, out, err = self.run("report")
        found = documents(out)
        return found[0] if found else {}


def documents(text):
    """The JSON objects in a text, up to the first part that is not JSON."""
    decoder = json.JSONDecoder()
    found = []
    text = text.strip()
    while text:
        try:
            document, end = decoder.raw_decode(text)
        except ValueError:
            break
        if isinstance(document, dict):
            found.append(document)
        text = text[end:].lstrip()
    return found


def warnings(text):
    """The warnings in the messages of a command, each with the lines that belong to it."""
    found = []
    for line in text.splitlines():
        if line.startswith("warning: "):
            found.append([line[len("warning: ") :]])
        elif found and line.startswith(("  in ", "help: ")):
            found[-1].append(line.strip())
    return ["\n".join(lines) for lines in found]


def check_format(found, program):
    """Raises an error if the documents are not of the format version that this collection reads."""
    versions = [it["format_version"] for it in found if "format_version" in it]
    if not versions:
        raise CaiError("%s printed no JSON document of cai" % program)
    if versions[0] != FORMAT_VERSION:
        raise CaiError(
            "%s prints format version %s, but this collection reads version %s\n"
            "help: install the collection of the same release" % (program, versions[0], FORMAT_VERSION)
        )


def failure(code, found, err):
    """The error of a command that failed."""
    diagnostics = []
    for document in found:
        diagnostics += document.get("diagnostics", [])
        if "diagnostic" in document:
            diagnostics.append(document["diagnostic"])
    texts = [told(it) for it in diagnostics]
    findings = found[-1].get("findings", []) if found else []
    texts += ["%s\nhelp: %s" % (it["cause"], it["remedy"]) for it in findings]
    if not texts:
        texts = [err.strip() or "cai exited with %s" % code]
    hints = [it["hint"] for it in diagnostics if it.get("hint")]
    return CaiError(
        "\n".join(texts),
        rc=code,
        hint=hints[0] if hints else None,
        diagnostics=diagnostics,
        changes=applied(found),
    )


def told(diagnostic):
    """A diagnostic for people, as cai prints it on stderr."""
    subject = diagnostic.get("address")
    if diagnostic.get("line") is not None:
        place = [diagnostic[key] for key in ("file", "line", "column")]
        subject = ":".join(str(part) for part in place if part is not None)
    lines = ["%s: %s" % (subject, diagnostic["summary"]) if subject else diagnostic["summary"]]
    if diagnostic.get("detail"):
        lines.append(diagnostic["detail"])
    if diagnostic.get("hint"):
        lines.append("help: " + diagnostic["hint"])
    return "\n".join(lines)


def planned(found):
    """The changes of a plan document: the resources that differ from the file."""
    changes = found[0]["resource_changes"]
    changes = [{key: it[key] for key in ("address", "action")} for it in changes]
    return [it for it in changes if it["action"] != "no-op"]


def applied(found):
    """The resources of JSON Lines that are not unchanged, with their planned actions and outcomes."""
    lines = [it["change"] for it in found if it.get("type") == "planned_change"]
    actions = {it["address"]: it["action"] for it in lines}
    results = found[-1].get("results", []) if found else []
    return [
        {"address": it["address"], "action": actions.get(it["address"]), "outcome": it["outcome"]}
        for it in results
        if it["outcome"] != "unchanged"
    ]
