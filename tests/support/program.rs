//! Programs that this test binary becomes when it is started under their name.
use std::path::Path;
use std::process::ExitCode;

/// Runs the program this process was started as; `None` when it was started as the test binary.
pub fn dispatch() -> Option<ExitCode> {
    let invoked = std::env::args_os().next()?;
    match Path::new(&invoked).file_name()?.to_str()? {
        "limactl" => Some(crate::real::limactl::main()),
        _ => None,
    }
}
