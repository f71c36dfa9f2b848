//! Mutations of the file as a whole: headers, length, what lies behind the last owned page.

use super::image::{field, flag};
use super::{Class, Image, Mutation, damage, odd};

/// Offsets in the header.
mod at {
    pub(super) const SIGNATURE: usize = 4;
    pub(super) const VERSION: usize = 8;
    pub(super) const DBTIME: usize = 16;
    pub(super) const STATE: usize = 52;
    pub(super) const LAST_OBJID: usize = 212;
    pub(super) const PAGE_SIZE: usize = 236;
    pub(super) const MIN_REQUIRED: usize = 296;
    pub(super) const ECC_FIXES: usize = 368;
    pub(super) const FILE_KIND: usize = 667;
}

const fn control(base: &'static str, name: &'static str) -> Mutation {
    Mutation { name, base, class: Class::Control, expects: &[], apply: |_| {} }
}

const fn unusable(name: &'static str, apply: super::Apply) -> Mutation {
    Mutation { name, base: "clean_4k", class: Class::Unusable, expects: &[], apply }
}

pub(super) const TABLE: &[Mutation] = &[
    control("clean_4k", "none (control: 4 KiB)"),
    control("clean_8k", "none (control: 8 KiB)"),
    control("clean_16k", "none (control: 16 KiB)"),
    control("clean_32k", "none (control: 32 KiB)"),
    control("clean_8k_new", "none (control: 8 KiB, new format)"),
    damage("clean_4k", "header byte changed", &["header"], |image| image.raw_header(0)[30] ^= 1),
    damage("clean_4k", "shadow header byte changed", &["header"], |image| {
        image.raw_header(1)[30] ^= 1;
    }),
    unusable("header signature", |image| {
        image.edit_header(0)[at::SIGNATURE] ^= 1;
    }),
    odd("clean_4k", "header and shadow differ", |image| {
        image.edit_header(1)[at::DBTIME..at::DBTIME + 8]
            .copy_from_slice(&0x0099_9999_u64.to_le_bytes());
    }),
    damage("clean_4k", "state dirty without required logs", &["header-required"], |image| {
        image.put_headers(at::STATE, &[2, 0, 0, 0]);
    }),
    damage("clean_4k", "state 9", &["header-state"], |image| {
        image.put_headers(at::STATE, &[9, 0, 0, 0]);
    }),
    damage("clean_4k", "clean state with required logs", &["header-required"], |image| {
        image.put_headers(at::MIN_REQUIRED, &[3, 0, 0, 0, 5, 0, 0, 0]);
    }),
    damage("clean_4k", "last object id lowered", &["catalog-objid"], |image| {
        image.put_headers(at::LAST_OBJID, &[5, 0, 0, 0]);
    }),
    damage("clean_4k", "header dbtime lowered", &["dbtime"], |image| {
        image.put_headers(at::DBTIME, &0x41_u64.to_le_bytes());
    }),
    unusable("format version of Exchange 5.0", |image| {
        image.put_headers(at::VERSION, &0x500_u32.to_le_bytes());
    }),
    unusable("file kind of a checkpoint", |image| {
        image.put_headers(at::FILE_KIND, &4_u32.to_le_bytes());
    }),
    unusable("page size of another database", |image| {
        image.put_headers(at::PAGE_SIZE, &8192_u32.to_le_bytes());
    }),
    damage("clean_4k", "file cut", &["file-short"], |image| {
        let pages = image.last_owned() as usize + 2 - 5;
        let length = pages * image.page_size();
        image.file().truncate(length);
    }),
    damage("clean_4k", "file cut inside of an owned page", &["file-short|file-size"], |image| {
        let length = (image.last_owned() as usize + 2) * image.page_size() - 100;
        image.file().truncate(length);
    }),
    damage("clean_4k", "file cut inside of its last page", &["file-size"], |image| {
        let length = image.file().len() - 100;
        image.file().truncate(length);
    }),
    unusable("no header at all", |image| {
        image.raw_header(0).fill(0);
        image.raw_header(1).fill(0);
    }),
    unusable("both headers damaged", |image| {
        image.raw_header(0)[300] ^= 1;
        image.raw_header(1)[300] ^= 1;
    }),
    unusable("empty file", |image| image.file().clear()),
    odd("clean_4k", "junk behind the last owned page", |image| {
        for number in image.last_owned() + 1..=image.last_page() {
            image.raw(number).fill(0xA5);
        }
    }),
    odd("clean_8k", "file longer than before", |image| {
        let length = image.file().len() + 16 * image.page_size();
        image.file().resize(length, 0);
    }),
    odd("clean_8k", "trailer of a backup's copy", |image| {
        let length = image.file().len() + image.page_size();
        image.file().resize(length, 0);
        let header = image.raw_header(0).to_vec();
        let trailer = image.last_page();
        let trailer = image.raw(trailer);
        trailer[40..64].copy_from_slice(&header[136..160]);
        trailer[64..92].copy_from_slice(&header[24..52]);
        trailer[92..120].copy_from_slice(&header[108..136]);
        crate::seal::seal_header(trailer);
    }),
    odd("clean_4k", "last object id raised", |image| {
        image.put_headers(at::LAST_OBJID, &5000_u32.to_le_bytes());
    }),
    odd("clean_4k", "header counts corrected pages", |image| {
        image.put_headers(at::ECC_FIXES, &[3, 0, 0, 0]);
    }),
    odd("clean_4k", "every page with a checksum of the old family", |image| {
        for number in 1..=image.last_page() {
            if !image.is_zeroed(number) {
                image.change_flags(number, 0, flag::NEW_CHECKSUM);
            }
        }
    }),
    damage("clean_8k", "bit flipped in a page of the old family", &["page-checksum"], |image| {
        let page = old_family(image);
        image.raw(page)[300] ^= 1;
    }),
    damage("clean_8k", "wrong number in a page of the old family", &["page-checksum"], |image| {
        let page = old_family(image);
        let raw = image.raw(page);
        raw[4..8].copy_from_slice(&(page + 1).to_le_bytes());
        crate::seal::seal_header(raw);
    }),
];

/// A page of a table, sealed with the old checksum.
fn old_family(image: &mut Image) -> u32 {
    let table = image.table("churn").root;
    let page = image.leaves(table)[1];
    let raw = image.raw(page);
    let flags = crate::u32_at(raw, field::FLAGS) & !flag::NEW_CHECKSUM;
    raw[field::FLAGS..field::FLAGS + 4].copy_from_slice(&flags.to_le_bytes());
    crate::seal::seal_page(raw, page);
    page
}
