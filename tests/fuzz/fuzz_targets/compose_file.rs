#![no_main]

#[allow(dead_code, reason = "each target is one of them")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::compose_file(data));
