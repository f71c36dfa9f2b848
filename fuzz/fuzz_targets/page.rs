#![no_main]
//! Pages of every size: verdict, correction, structure, tags, nodes, space header.

use ese_format::node::{NodePage, tags};
use ese_format::page::{PageHeader, PageState, correct, structure, verify};
use ese_format::{PageNumber, space};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&number, data)) = data.split_first() else { return };
    let number = PageNumber(u32::from(number));
    // Pages are too long for a fuzzer to hit their length: stretch to the next page size.
    let size = [2048, 4096, 8192, 16384, 32768].into_iter().find(|&size| data.len() <= size);
    let Some(size) = size else { return };
    let mut page = data.to_vec();
    page.resize(size, 0);
    if let PageState::Correctable(correction) = verify(&page, number) {
        correct(&mut page, &correction);
        assert!(matches!(verify(&page, number), PageState::Valid(_)));
    }
    let _ = structure::check(&page);
    if let Some(header) = PageHeader::parse(&page) {
        for tag in tags(&page, &header) {
            std::hint::black_box(tag);
        }
    }
    if let Some(nodes) = NodePage::new(&page) {
        std::hint::black_box(space::space_header(&nodes));
        for index in 0..nodes.node_count() {
            if let Some(node) = nodes.node(index) {
                std::hint::black_box((node.key(), space::child_page(&node)));
            }
        }
    }
});
