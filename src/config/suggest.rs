//! "Did you mean": the hint for a word that is none of those it could be.

/// Says which of `known` was meant by `word`, or else what the choice is. `kind` is the word for
/// them in the singular ("key").
pub(super) fn hint(word: &str, known: &[&str], kind: &str) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => match known {
            [] => format!("there is no {kind} to write here"),
            [only] => format!("the only {kind} here is `{only}`"),
            [rest @ .., last] => {
                let rest: Vec<_> = rest.iter().map(|word| format!("`{word}`")).collect();
                format!("the {kind}s here are {} and `{last}`", rest.join(", "))
            }
        },
    }
}

/// A word of a file, as it is shown in a message: on one line, and not longer than reads well.
pub(super) fn shown(word: &str) -> String {
    match word.char_indices().nth(64) {
        Some((end, _)) => format!("`{}…`", word[..end].escape_debug()),
        None => format!("`{}`", word.escape_debug()),
    }
}

/// The one of `known` that `word` is a misspelling of: at most one letter in three is wrong.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters = word.chars().count();
    // The distance takes time and memory in the product of the lengths, and the word is a file's.
    if letters > 64 {
        return None;
    }
    let spelled = word.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&spelled, &known.replace('-', "_")), *known))
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
        let all = "the keys here are `name`, `cpus`, `memory` and `mount_point`";
        for word in ["gpu_model", "", "x"] {
            assert_eq!(hint(word, &known, "key"), all, "{word}");
        }
        assert_eq!(hint("gpu", &["source"], "key"), "the only key here is `source`");
    }

    #[test]
    fn a_word_too_long_to_compare_is_not_compared() {
        let word = "a".repeat(65);
        assert_eq!(nearest(&word, &[&word]), None);
        assert_eq!(nearest(&word[1..], &[&word]), Some(&*word));
    }
}
