//! The arithmetic of result codes.

use ntdsbcli::HResult;

#[test]
fn api_006_engine_numbers_and_codes_correspond_both_ways() {
    let named = HResult::all().filter_map(|code| code.value.to_jet()).filter(|&jet| jet != 0);
    let unnamed = (1..=50).flat_map(|step| [-step * 601, step * 601]);
    let mut count = 0;
    for jet in named.chain(unnamed) {
        let base = if jet < 0 { 0xC800_0000 } else { 0x8800_0000 };
        let code = HResult::from_jet(jet);
        assert_eq!(code, HResult(base | jet.unsigned_abs()), "{jet}");
        assert_eq!(code.to_jet(), Some(jet));
        count += 1;
    }
    assert!(count >= 167 + 100, "{count}");
    assert_eq!(HResult::from_jet(0), HResult::S_OK);
}
