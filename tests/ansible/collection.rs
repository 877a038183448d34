//! The collection as a whole: its installation and its documentation.

use serde_json::Value;

use super::control::{Control, collection};
use crate::support::sandbox::Ran;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        it_is_installed_from_the_repository_with_documentation,
        the_documented_options_are_those_of_the_module,
        its_python_is_that_of_3_9,
    ]
}

fn it_is_installed_from_the_repository_with_documentation() {
    let control = Control::bare();
    let source = collection();
    let to = control.sandbox.path("collections");
    let words = ["ansible-galaxy", "collection", "install", source.to_str().unwrap(), "-p"];
    control.run(&[&words[..], &[to.to_str().unwrap()]].concat()).success();
    let documented = |words: &[&str], expected: &str| {
        let ran = control.run(&[&["ansible-doc"], words].concat());
        assert!(ran.success().contains(expected) && !ran.stderr.contains("ERROR"), "{ran}");
    };
    documented(&["containai.engine.engine"], "Required to");
    documented(&["-t", "role", "containai.engine.engine"], "cai_source");
    documented(&["-t", "filter", "containai.engine.summary"], "limit");
    for playbook in ["site", "report"] {
        let name = format!("containai.engine.{playbook}");
        let words = ["ansible-playbook", "-i", "localhost,", "--list-tasks", &name];
        control.run(&words).success();
    }
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(ran.success()).unwrap_or_else(|why| panic!("{why}: {ran}"))
}

fn the_documented_options_are_those_of_the_module() {
    let control = Control::new();
    let mut documented = json(&control.run(&["ansible-doc", "--json", "containai.engine.engine"]));
    let documented = documented["containai.engine.engine"]["doc"]["options"].take();
    let script = "import json\n\
                  from ansible_collections.containai.engine.plugins.modules.engine import OPTIONS\n\
                  print(json.dumps(OPTIONS))";
    let path = control.sandbox.path("collections");
    let path = [("PYTHONPATH", path.to_str().unwrap())];
    let options = json(&control.run_with(&["python3", "-c", script], &path));
    let (documented, options) = (documented.as_object().unwrap(), options.as_object().unwrap());
    assert_eq!(documented.len(), options.len(), "{documented:?} {options:?}");
    for (name, option) in options {
        for key in ["type", "choices", "default", "elements", "required"] {
            assert_eq!(documented[name].get(key), option.get(key), "{key} of {name}");
        }
    }
}

/// The oldest Python of a host that the README names.
fn its_python_is_that_of_3_9() {
    let script = "import ast, pathlib, sys\n\
                  files = sorted(pathlib.Path(sys.argv[1]).rglob('*.py'))\n\
                  for file in files: ast.parse(file.read_text(), file, feature_version=(3, 9))\n\
                  print(len(files))";
    let ran = Control::bare().run(&["python3", "-c", script, collection().to_str().unwrap()]);
    assert_eq!(ran.success().trim(), "3");
}
