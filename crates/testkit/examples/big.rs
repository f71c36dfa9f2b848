//! Writes a big, consistent database: `big FILE MEGABYTES [SET]`.
#![allow(clippy::print_stdout)]

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, megabytes, set @ ..] = arguments.as_slice() else {
        println!("usage: big FILE MEGABYTES [SET]");
        return Ok(());
    };
    let bytes = megabytes.parse::<u64>().map_err(std::io::Error::other)? * 1_000_000;
    let set = set.first().map_or("clean_8k", String::as_str);
    let started = std::time::Instant::now();
    let big = testkit::big::write(path.as_ref(), set, bytes)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{big:?} in {seconds:.2} s, {:.0} MB/s", big.bytes as f64 / 1e6 / seconds);
    Ok(())
}
