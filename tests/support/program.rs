//! Programs as which this test binary runs when it is started under their name.
use std::path::Path;
use std::process::ExitCode;

/// Runs the program this process was started as; `None` when it was started as the test binary.
pub fn dispatch() -> Option<ExitCode> {
    let invoked = std::env::args_os().next()?;
    let name = Path::new(&invoked).file_name()?.to_str()?;
    if let Some(code) = super::fake_fault::dispatch(name) {
        return Some(code);
    }
    if let Some(code) = super::fake_world::dispatch(name) {
        return Some(code);
    }
    match name {
        "limactl" => Some(crate::real::limactl::main()),
        _ => None,
    }
}
