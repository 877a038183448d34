#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The module containai.engine.engine."""

DOCUMENTATION = r"""
module: engine
short_description: Creates, updates or deletes a Docker engine in a Lima VM
version_added: 0.1.0
description:
  - Runs C(cai) on the host, so that the engine is as its C(containai.toml) declares.
  - C(cai) must be installed on the host. Run this module as the user who owns the engine, not as root,
    because Lima refuses root.
  - Nothing that loses data happens without O(allow_replace), O(allow_mount) or O(allow_destroy).
  - Warnings from C(cai) are reported as warnings of the task.
options:
  state:
    description:
      - With V(present), creates or updates the engine, like C(cai apply).
      - With V(absent), deletes the VM and its Docker context, like C(cai destroy). The file is still needed,
        because it names the VM.
    type: str
    choices: [present, absent]
    default: present
  file:
    description: The path of the C(containai.toml) on the host. The files that it extends must be there too.
    type: path
    required: true
  executable:
    description: The C(cai) program, as a name on the PATH of the SSH session or as a path.
    type: path
    default: cai
  simulate:
    description:
      - A directory on the host for a simulated host. Nothing real is changed. Use it to test playbooks.
      - The directory must be writable only by its owner.
    type: path
  allow_replace:
    description:
      - The VMs whose data the plan may delete or hide, and whose containers it may stop if they cannot be
        started again. Used with O(state=present).
    type: list
    elements: str
    default: []
  allow_mount:
    description:
      - The directories of the host that may be mounted writable although this gives root in the VM control
        of the host. Used with O(state=present).
    type: list
    elements: str
    default: []
  allow_destroy:
    description: The name of the VM that may be deleted. Required to delete a VM with O(state=absent).
    type: str
  allow_values:
    description:
      - Whether the file may run the programs of C(command), and read files outside its directory, like
        C(cai allow --yes). A simulated host does not need it. Used with O(state=present).
      - Check mode allows nothing, so it fails if they were not allowed before.
    type: bool
    default: false
  timeout:
    description: The time limit of each step, such as V(20m). By default, it depends on the step.
    type: str
  lock_timeout:
    description: How long to wait for another C(cai) on the same VM, such as V(10m). By default, does not wait.
    type: str
attributes:
  check_mode:
    description: Runs C(cai plan), which changes nothing. Consent is checked only when changes are made.
    support: full
  diff_mode:
    description: Shows the plan, as C(cai plan) prints it.
    support: full
notes:
  - The module sees the C(environment) of its task, such as C(LIMA_HOME) or a variable that the file needs.
"""

EXAMPLES = r"""
- name: Create or update the engine
  containai.engine.engine:
    file: ~/containai/containai.toml

- name: Recreate the VM if the file needs it, and lose its data
  containai.engine.engine:
    file: ~/containai/containai.toml
    allow_replace: [agents]

- name: Delete the engine
  containai.engine.engine:
    state: absent
    file: ~/containai/containai.toml
    allow_destroy: agents

- name: Let the file take values from programs, such as a password manager
  containai.engine.engine:
    file: ~/containai/containai.toml
    allow_values: true

- name: Test the file on a simulated host
  containai.engine.engine:
    file: ~/containai/containai.toml
    simulate: ~/simulated
"""

RETURN = r"""
changes:
  description: The resources that changed, or would change in check mode.
  returned: always, except if cai could not be run
  type: list
  elements: dict
  sample: [{"address": "vm.agents", "action": "create", "outcome": "applied"}]
  contains:
    address:
      description: The address of the resource.
      type: str
    action:
      description: The planned action, such as C(create), C(update) or C(refresh).
      type: str
    outcome:
      description: C(applied), C(skipped), C(failed) or C(cancelled). Not returned in check mode.
      type: str
allowed:
  description: What C(cai allow) printed, with the programs and files that the file may use.
  returned: success, with O(allow_values=true), not in check mode
  type: str
  sample: |
    /home/me/containai/containai.toml takes values from this machine:
      proxy.password: runs op read op://team/proxy/password
    Allowed until one of them changes.
summary:
  description: The result in one line.
  returned: success, not in check mode
  type: str
  sample: "Apply complete: 2 added, 1 changed, 0 destroyed (11 s)."
ansible_facts:
  description: Facts about the engine.
  returned: success
  type: dict
  contains:
    cai:
      description: The line of C(cai report). C(cai schema report) prints its JSON Schema.
      type: dict
diagnostics:
  description: The errors, as in C(cai apply --json). C(cai schema error) prints their JSON Schema.
  returned: failure of cai
  type: list
  elements: dict
hint:
  description: What to do about the first error.
  returned: failure of cai
  type: str
rc:
  description: The exit code of C(cai). C(cai help exit-codes) describes them.
  returned: failure of cai
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.containai.engine.plugins.module_utils.cai import Cai, CaiError, applied, planned

OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "file": {"type": "path", "required": True},
    "executable": {"type": "path", "default": "cai"},
    "simulate": {"type": "path"},
    "allow_replace": {"type": "list", "elements": "str", "default": []},
    "allow_mount": {"type": "list", "elements": "str", "default": []},
    "allow_destroy": {"type": "str"},
    "allow_values": {"type": "bool", "default": False},
    "timeout": {"type": "str"},
    "lock_timeout": {"type": "str"},
}


def plan_words(params):
    """The command that shows what would change."""
    return ["plan", "--destroy"] if params["state"] == "absent" else ["plan"]


def change_words(params):
    """The command that changes the machine, with the consent of the task."""
    if params["state"] == "absent":
        words = ["destroy"]
        named = [("--allow-destroy", params["allow_destroy"])]
    else:
        words = ["apply", "--yes"]
        named = [("--allow-replace", name) for name in params["allow_replace"]]
        named += [("--allow-mount", path) for path in params["allow_mount"]]
    named += [("--timeout", params["timeout"]), ("--lock-timeout", params["lock_timeout"])]
    return words + ["%s=%s" % (option, value) for option, value in named if value is not None]


def run(module):
    """The result of the module."""
    cai = Cai(module)
    result = {}
    # The plan of the diff needs the values.
    if module.params["allow_values"] and module.params["state"] == "present" and not module.check_mode:
        result["allowed"] = cai.allow()
    if module._diff:
        result["diff"] = {"prepared": cai.text(*plan_words(module.params))}
    if module.check_mode:
        result["changes"] = planned(cai.documents(*plan_words(module.params)))
    else:
        lines = cai.documents(*change_words(module.params))
        result["changes"] = applied(lines)
        result["summary"] = lines[-1]["@message"]
    result["changed"] = bool(result["changes"])
    result["ansible_facts"] = {"cai": cai.report()}
    return result


def main():
    """Runs the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        module.exit_json(**run(module))
    except CaiError as error:
        changes = error.keys.get("changes", [])
        changed = any(it["outcome"] == "applied" for it in changes)
        module.fail_json(msg=str(error), changed=changed, **error.keys)


if __name__ == "__main__":
    main()
