//! The input of a script, which is sent to the guest in the script's own text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Prepended to every script, because sudo drops the proxy's variables.
const EXPORT_PROXY: &str = include_str!("../scripts/proxy.sh");
/// The delimiter of a script's input.
const INPUT: &str = "CAI_INPUT";

/// A script that the shell runs only after reading it completely, and whose commands cannot read it
/// as their input. The input may be secret, so it is not an argument, which every user could see
/// and sudo would log. It is encoded as Base64, so it cannot be mistaken for script text.
pub(super) fn whole(script: &str, input: &str) -> String {
    if input.is_empty() {
        return format!("main() {{\n{EXPORT_PROXY}{script}\n}}\nmain \"$@\" </dev/null\n");
    }
    let input = STANDARD.encode(input);
    format!("main() {{\n{EXPORT_PROXY}{script}\n}}\nmain \"$@\" <<'{INPUT}'\n{input}\n{INPUT}\n")
}

/// The input of such a script.
pub fn input(script: &str) -> Option<String> {
    let (_, rest) = script.split_once(&format!("<<'{INPUT}'\n"))?;
    let bytes = STANDARD.decode(rest.split_once('\n')?.0).ok()?;
    String::from_utf8(bytes).ok()
}
