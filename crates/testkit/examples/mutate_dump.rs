//! Temporary.
#![allow(clippy::all, clippy::pedantic, clippy::restriction)]
fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let mut list = String::new();
    for (i, m) in testkit::mutation::all().enumerate() {
        if !m.name.contains(&only) {
            continue;
        }
        let r = std::panic::catch_unwind(|| m.make());
        let path = format!("/tmp/mut/m{i:03}.edb");
        match r {
            Ok(b) => std::fs::write(&path, b).unwrap(),
            Err(_) => {
                println!("PANIC {}", m.name);
                continue;
            }
        }
        list.push_str(&format!(
            "{path}\t{}\t{:?}\t{}\t{}\n",
            m.base,
            m.class,
            m.name,
            m.expects.join(",")
        ));
    }
    std::fs::write("/tmp/mut/list.tsv", list).unwrap();
}
