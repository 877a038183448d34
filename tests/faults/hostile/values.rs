//! Texts that a program could take for more than a text.

use std::path::Path;

/// A part of each text that `cai` itself never writes.
pub const TOKEN: &str = "zqx";

/// The possible surroundings of a text in places that accept only a path or an address.
pub const FORMS: [&str; 7] =
    ["{}", "/zqx/{}", "/{}.sock", "~/{}", "./{}", "{{.Dir}}/{}.sock", "https://zqx.example/{}"];

/// A text for each language in which a value of a file can appear, and for each limit.
pub fn hostile(canary: &Path) -> Vec<String> {
    let canary = canary.display();
    vec![
        // A shell, with and without quotes.
        format!("$(touch {canary})zqx"),
        format!("`touch {canary}`zqx"),
        format!("zqx; touch {canary} #"),
        format!("zqx\"; touch {canary}; \""),
        format!("zqx'; touch {canary}; '"),
        format!("zqx && touch {canary} || touch {canary}"),
        format!("zqx\ntouch {canary}\n"),
        "${IFS}zqx*?[a]~!".to_owned(),
        // Lima's templates and Compose's variables.
        "{{.Unprotect}}zqx".to_owned(),
        "{{ fd_connect \"/zqx\" }}".to_owned(),
        "zqx${HOME}$$".to_owned(),
        // YAML, JSON, CSV and the fields of /etc/passwd.
        "zqx: [*a, &b, !!c] # d".to_owned(),
        "--- zqx\n...\n- a: b".to_owned(),
        "zqx\", \"hosts\": [\"tcp://0.0.0.0:2375\"], \"a\": \"".to_owned(),
        "zqx:x:0:0:root:/root:/bin/sh".to_owned(),
        "zqx,host=tcp://0.0.0.0:1".to_owned(),
        // Options and paths.
        "-zqx".to_owned(),
        "--zqx=a".to_owned(),
        "../../zqx".to_owned(),
        "%d%s%nzqx\\n\\x1b".to_owned(),
        // Text that controls a terminal or is invisible.
        "zqx\0a".to_owned(),
        "\u{1b}]0;zqx\u{7}\u{1b}[2J".to_owned(),
        "zqx\u{9b}2J\u{7f}\r".to_owned(),
        "zqx\u{202e}gpj.\u{2066}a\u{2069}".to_owned(),
        "zqx\u{feff}\u{200b}\u{2028}".to_owned(),
        // Limits.
        "zqx".repeat(64 * 1024 / 3),
    ]
}
