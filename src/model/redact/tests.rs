use serde_json::json;

use super::*;

#[test]
fn what_is_named_like_a_secret_goes_and_its_surroundings_stay() {
    for (text, redacted) in [
        ("PASSWORD=one two three", "PASSWORD=[redacted]"),
        ("PASSWORD=one, two\r", "PASSWORD=[redacted]\r"),
        ("  password: one two  # three", "  password: [redacted]"),
        ("export DB_PASSWORD='a b' y", "export DB_PASSWORD='[redacted]' y"),
        ("PASSWORD=\"a \\\"b\\\" c\" y", "PASSWORD=\"[redacted]\" y"),
        ("PASSWORD=\"\" y", "PASSWORD=\"\" y"),
        ("it's the PASSWORD=it's me", "it's the PASSWORD=[redacted]"),
        ("msg=\"the password=a b\" level=info", "msg=\"the password=[redacted]\" level=info"),
        ("x = { token: a b, user: me } y", "x = { token: [redacted], user: me } y"),
        ("(token: a b) y", "(token: [redacted]) y"),
        (
            "a:\n  - password: |-\n      one\n\n      two\n    b: c",
            "a:\n  - password: [redacted]\n    b: c",
        ),
        ("\"token\": >\n one\nb: |\n two", "\"token\": [redacted]\nb: |\n two"),
        ("GITHUB_TOKEN: ghp_1, next", "GITHUB_TOKEN: [redacted]"),
        ("{\"auth\": \"dXNlcg==\", \"a\": 1}", "{\"auth\": \"[redacted]\", \"a\": 1}"),
        ("{\\\"auth\\\": \\\"dXNl\\\"}", "{\\\"auth\\\": \\\"[redacted]\\\"}"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("-H 'Authorization: Basic eHk=' x", "-H 'Authorization: [redacted]' x"),
        ("X-Registry-Auth: eyJ9", "X-Registry-Auth: [redacted]"),
        ("login --password hunter2 -u me", "login --password [redacted] -u me"),
        ("login --password=hunter2 -u me", "login --password=[redacted] -u me"),
        ("?access_token=abc&x=1", "?access_token=[redacted]&x=1"),
        ("secret_key = \"é\u{1f511}\"", "secret_key = \"[redacted]\""),
    ] {
        assert_eq!(Redactor::default().text(text), redacted);
    }
}

#[test]
fn what_only_speaks_of_secrets_stays() {
    for text in [
        "no token was given",
        "level=info msg=\"password prompt\" author: me",
        "authentication: none",
        "unix:///var/run/docker.sock",
        "https://example.com/a@b?x=1",
        "12:30:01 a b=c",
        "PASSWORD=",
        "",
    ] {
        assert_eq!(Redactor::default().text(text), text);
    }
}

#[test]
fn credentials_in_urls_go() {
    let text = "proxy http://me:p%40ss@proxy:3128/ and \"ssh://dev@host\" or x://a:b@c:d@e/";
    assert_eq!(
        Redactor::default().text(text),
        "proxy http://[redacted]@proxy:3128/ and \"ssh://dev@host\" or x://[redacted]@e/"
    );
}

#[test]
fn a_private_key_goes_as_a_whole() {
    let text =
        "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\nb";
    assert_eq!(Redactor::default().text(text), "a\n[redacted]\nb");
    let block = text.replace("OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK");
    assert_eq!(Redactor::default().text(&block), "a\n[redacted]\nb");
    // A truncated key extends to the end.
    assert_eq!(Redactor::default().text("-----BEGIN PRIVATE KEY-----\nAAAA"), "[redacted]");
}

#[test]
fn what_is_known_goes_wherever_it_stands() {
    let redactor =
        Redactor::default().stricter(Some("/home/dev/"), ["s3cr3t".into(), "abc".into()]);
    assert_eq!(redactor.text("/home/dev/.lima s3cr3t-x abc"), "~/.lima [redacted]-x abc");
    let inside = Redactor::default().stricter(Some("/home/dev"), ["/home/dev/key".into()]);
    assert_eq!(inside.text("/home/dev/key /home/dev/x"), "[redacted] ~/x");
    assert_eq!(Redactor::default().stricter(Some("/"), []).text("/etc"), "/etc");
}

#[test]
fn what_is_known_goes_in_every_form_that_it_is_printed_in() {
    let mut redactor = Redactor::default();
    redactor.hide(["it's \"a\" b\\".to_owned(), "ab".to_owned()]);
    let wrapped = "      \u{1b}[2m# it's \"a\"\u{1b}[0m\n      \u{1b}[2m# b\\ end";
    redactor.hide_names(["KEY".to_owned()]);
    for (text, shown) in [
        ("KEY: o l d", "KEY: [redacted]"),
        ("x, {\"KEY\":\"o l d\"}", "x, {\"KEY\":\"[redacted]\"}"),
        ("KEY = { env = \"KEY\" } MY_KEY=1", "KEY = { env = \"KEY\" } MY_KEY=1"),
        ("x it's \"a\" b\\ y", "x (sensitive value) y"),
        (r#"{"k": "it's \"a\" b\\"}"#, r#"{"k": "(sensitive value)"}"#),
        (r#"k: 'it''s "a" b\'"#, "k: '(sensitive value)'"),
        (wrapped, "      \u{1b}[2m# (sensitive value) end"),
        // Beginnings of a truncated secret.
        ("x it's \"a… it's… it'…", "x (sensitive value)… (sensitive value)… it'…"),
        // A value this short is not removed.
        ("ab it's x", "ab it's x"),
    ] {
        assert_eq!(redactor.shown(text), shown);
    }
    for text in [
        "A_TOKEN: (sensitive value)",
        "A_TOKEN: (sensitive value, changed)",
        "{ A_TOKEN: (sensitive value, changed), b: c }",
        "\u{1b}[31m- A_TOKEN: (sensitive value)\u{1b}[0m",
    ] {
        assert_eq!(foreign(text), text);
    }
    redactor.hide_names(["A_KEY".to_owned()]);
    let colored = "\u{1b}[31m- A_KEY: one, two)\u{1b}[0m";
    assert_eq!(redactor.shown(colored), "\u{1b}[31m- A_KEY: [redacted]\u{1b}[0m");
    let document = json!({"env": {"A": ["it's \"a\" b\\", "http://u:p@h"]}});
    let shown = json!({"env": {"A": ["(sensitive value)", "http://[redacted]@h"]}});
    assert_eq!(redactor.shown_document(&document), shown);
}

#[test]
fn what_looks_like_a_secret_is_found() {
    let keys =
        json!({"auths": {"r": {"auth": "a1"}}, "x": [{"my-token": ["b2"]}, "http://u:c3@h"]});
    assert_eq!(secrets(keys.as_object().unwrap()), ["a1", "b2", "c3"]);
    assert_eq!(passwords("http://u:p@h and ssh://dev@h"), ["p"]);
}

#[test]
fn a_document_keeps_its_form() {
    let redactor = Redactor::default().stricter(Some("/home/dev"), []);
    let document = json!({
        "env": {"A": "x", "B": 7},
        "auths": {"registry.example": {"auth": "dXNlcg=="}},
        "HttpHeaders": {"Authorization": "Bearer x"},
        "log": ["TOKEN=abc", "/home/dev/a"],
        "cpus": 4,
    });
    assert_eq!(
        redactor.document(&document),
        json!({
            "env": {"A": "[redacted]", "B": "[redacted]"},
            "auths": {"registry.example": {"auth": "[redacted]"}},
            "HttpHeaders": {"Authorization": "[redacted]"},
            "log": ["TOKEN=[redacted]", "~/a"],
            "cpus": 4,
        })
    );
}
