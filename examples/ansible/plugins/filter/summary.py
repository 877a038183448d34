# SPDX-License-Identifier: MIT OR Apache-2.0
"""The filter containai.engine.summary."""

import json
from collections import Counter

DOCUMENTATION = r"""
name: summary
short_description: Sums up the lines of C(cai report) of many hosts in one table
version_added: 0.1.0
description: Counts the engines by state, version, difference and finding, and names those that need attention.
options:
  _input:
    description:
      - For each host, the registered result of a task that ran C(cai report). The result of an unreachable
        host is accepted.
    type: dict
    required: true
  limit:
    description: The most rows for each kind of value, and the most engines that are named.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Show the table
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: report} | containai.engine.summary(limit=50) }}"
  vars:
    report: "{{ registered_result_of_cai_report }}"
"""

RETURN = r"""
_value:
  description: The table.
  type: str
"""

# The states of an engine, the best first, with their names in the table.
STATES = ["as declared", "differs", "has findings", "not inspected", "unreachable"]
# The most characters of a value in the table, and of the reason why an engine needs attention.
WIDTH = 60
REASON = 300
# What Ansible writes before the message of ssh.
SSH = "Failed to connect to the host via ssh: "


class Engine:
    """A line of `cai report`, or why a host has none."""

    def __init__(self, host, line=None, problem=None, reachable=True):
        line = line or {}
        self.host = host
        self.line = line
        drift = line.get("drift") or {}
        self.changes = ["%s %s" % (it["action"], it["address"]) for it in drift.get("changes", [])]
        self.unknown = drift.get("unknown", [])
        self.findings = line.get("findings", [])
        error = line.get("error")
        self.problem = problem or (error and ": ".join(filter(None, [error["summary"], error.get("detail")])))
        serious = [it for it in self.findings if it["severity"] != "notice"]
        if not reachable:
            self.state, self.why = "unreachable", self.problem
        elif self.problem:
            self.state, self.why = "not inspected", self.problem
        elif serious:
            self.state = "has findings"
            self.why = "; ".join("%s: %s" % (it["code"], it["summary"]) for it in serious)
        elif self.changes or self.unknown:
            self.state = "differs"
            self.why = ", ".join(self.changes) or "not compared: " + ", ".join(self.unknown)
        else:
            self.state, self.why = "as declared", ""

    def values(self):
        """What is counted: each kind of value, and its values for this engine."""
        vm = self.line.get("vm") or {}
        versions = self.line.get("versions") or {}
        yield "state", [self.state]
        yield "VM", [vm.get("status")]
        for kind, key in [("cai", "cai"), ("Lima", "lima"), ("dockerd", "dockerd"), ("Sysbox", "sysbox")]:
            yield kind, [versions.get(key) or ("unknown" if self.line else None)]
        yield "drift", self.changes + (["not compared"] if self.unknown else [])
        yield "finding", ["%s %s" % (it["severity"], it["code"]) for it in self.findings]
        yield "host", ["simulated"] if self.line.get("simulated") else []


def engines(host, result):
    """The engines of a host: one for each line of its report."""
    if result.get("unreachable"):
        message = result.get("msg", "no connection")
        return [Engine(host, problem=message.partition(SSH)[2] or message, reachable=False)]
    try:
        lines = [json.loads(line) for line in result.get("stdout", "").splitlines() if line.strip()]
        found = [Engine(host, line) for line in lines]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [Engine(host, problem="the output is not that of cai report")]
    return found or [Engine(host, problem=result.get("stderr") or silent(result))]


def silent(result):
    """Why a command printed nothing. The command module does not say it if the program is missing."""
    if result.get("rc") and result.get("cmd"):
        program = result["cmd"] if isinstance(result["cmd"], list) else result["cmd"].split()
        return "%s could not be run (rc %s)" % (program[0], result["rc"])
    return result.get("msg") or "cai report printed nothing"


def shown(text, width=WIDTH):
    """A text from a host on one line, without characters that could control a terminal."""
    text = " ".join(str(text).split())
    text = "".join(it if it.isprintable() else "?" for it in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def table(rows):
    """Rows in columns. The last column is a number."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "%s  %s  %s" % (row[0].ljust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]))
        for row in rows
    ]


def counted(every, limit):
    """The rows of the table."""
    counts = {}
    for engine in every:
        for kind, values in engine.values():
            counts.setdefault(kind, Counter()).update(shown(it) for it in set(values) if it)
    for kind, values in counts.items():
        if kind == "state":
            ordered = [(state, values[state]) for state in STATES if values[state]]
        else:
            ordered = sorted(values.items(), key=lambda it: (-it[1], it[0]))
        for value, count in ordered[:limit]:
            yield [kind, value, str(count)]
        if len(ordered) > limit:
            yield [kind, "%d other values" % (len(ordered) - limit), ""]


def attention(every, limit):
    """The engines that need attention, the worst first."""
    needy = [it for it in every if it.state != STATES[0]]
    if not needy:
        return ["No engine needs attention."]
    needy.sort(key=lambda it: (-STATES.index(it.state), it.host))
    width = max(len(shown(it.host)) for it in needy[:limit])
    lines = ["Needs attention:"]
    for it in needy[:limit]:
        lines.append("  %s  %s: %s" % (shown(it.host).ljust(width), it.state, shown(it.why, REASON)))
    if len(needy) > limit:
        lines.append("  and %d more" % (len(needy) - limit))
    return lines


def summary(reports, limit=20):
    """Sums up the reports of hosts in one table."""
    every = [it for host, result in sorted(reports.items()) for it in engines(host, result)]
    rows = [["WHAT", "VALUE", "ENGINES"]] + list(counted(every, limit))
    return "\n".join(table(rows) + [""] + attention(every, limit))


class FilterModule:
    """The filters of this file."""

    def filters(self):
        """The filters, by name."""
        return {"summary": summary}
