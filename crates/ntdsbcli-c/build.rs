//! Gives the shared library its name for the loader.

fn main() {
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    let mut instructions = String::from("cargo::rerun-if-changed=build.rs\n");
    if linux {
        instructions += "cargo::rustc-cdylib-link-arg=-Wl,-soname,libntdsbcli.so.0\n";
    }
    // Cargo reads instructions from here.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), instructions.as_bytes());
}
