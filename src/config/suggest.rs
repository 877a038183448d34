//! "Did you mean": the hint for an unknown key or value.

/// Names the word of `known` that is most similar to `word`, or else lists them. `kind` is their
/// name in the singular, such as "key".
pub(super) fn hint(word: &str, known: &[&str], kind: &str) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => match known {
            [] => format!("no {kind} is valid here"),
            [only] => format!("the only valid {kind} is `{only}`"),
            [rest @ .., last] => {
                let rest: Vec<_> = rest.iter().map(|word| format!("`{word}`")).collect();
                format!("valid {kind}s are {} and `{last}`", rest.join(", "))
            }
        },
    }
}

/// A word of a file for a message: on one line, at most 64 characters.
pub(super) fn shown(word: &str) -> String {
    match word.char_indices().nth(64) {
        Some((end, _)) => format!("`{}…`", word[..end].escape_debug()),
        None => format!("`{}`", word.escape_debug()),
    }
}

/// The word of `known` that `word` misspells, with at most one wrong letter in three.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters = word.chars().count();
    // The cost grows with the product of the lengths, and `word` comes from a file.
    if letters > 64 {
        return None;
    }
    let spelled = |word: &str| word.to_lowercase().replace('-', "_");
    let word = spelled(word);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &spelled(known)), *known))
        .filter(|(distance, _)| *distance <= letters.div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_gets_the_one_meant_and_another_the_whole_choice() {
        let known = ["name", "cpus", "memory", "mount_point"];
        for (word, meant) in [
            ("memroy", "memory"),
            ("MEMORY", "memory"),
            ("cpu", "cpus"),
            ("mount-point", "mount_point"),
            ("mountPoint", "mount_point"),
        ] {
            assert_eq!(hint(word, &known, "key"), format!("did you mean `{meant}`?"));
        }
        let all = "valid keys are `name`, `cpus`, `memory` and `mount_point`";
        for word in ["gpu_model", "", "x"] {
            assert_eq!(hint(word, &known, "key"), all, "{word}");
        }
        assert_eq!(hint("gpu", &["source"], "key"), "the only valid key is `source`");
    }

    #[test]
    fn a_word_too_long_to_compare_is_not_compared() {
        let word = "a".repeat(65);
        assert_eq!(nearest(&word, &[&word]), None);
        assert_eq!(nearest(&word[1..], &[&word]), Some(&*word));
    }
}
