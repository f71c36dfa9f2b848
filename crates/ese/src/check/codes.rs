//! The codes of structural findings: pages, trees, space, catalog, header.

use super::Code;

/// Damage that only a copy mends.
pub(super) const RESTORE: &str = "Use a sound copy: restore a backup set.";

/// Damage of the order or links of a tree, whose records are there.
const REBUILD: &str = "Restore a backup set; if there is none, export what can be read.";

/// Space that is accounted for in two ways.
const SPACE: &str = "Do not write to the database: pages may be overwritten. Restore a backup set, \
                     or defragment it offline into a new file.";

/// Nothing has to be done.
const NOTHING: &str = "Nothing has to be done.";

macro_rules! codes {
    ($($kind:ident $name:ident = $text:literal, $advice:expr;)*) => {
        $(pub(super) static $name: Code = Code::$kind($text, $advice);)*
    };
}

codes! {
    // The file.
    page HEADER_COPY = "header-copy",
        "Back up and restore: a backup delivers the good header twice.";
    warning HEADER_DIFFERS = "header-differs",
        "Back up and restore: a backup delivers the good header twice.";
    note HEADER_CUT_SHORT = "header-cut-short", "Recovery goes by the first header.";
    page HEADER_STATE = "header-state", RESTORE;
    page HEADER_REQUIRED = "header-required", RESTORE;
    warning STATE_NOT_CLEAN = "state-not-clean", "Recover it with its logs before it is judged.";
    page FILE_SIZE = "file-size", RESTORE;
    page FILE_SHORT = "file-short", RESTORE;

    error SPACE_ROOT = "space-root", SPACE;

    // Pages by themselves.
    page PAGE_CHECKSUM = "page-checksum", RESTORE;
    page PAGE_CORRECTED = "page-corrected",
        "Back up and restore: a backup delivers the page corrected. Check disk and memory.";
    page PAGE_STRUCTURE = "page-structure", RESTORE;
    page PAGE_FLAGS = "page-flags", RESTORE;
    page PAGE_RESERVED = "page-reserved", RESTORE;
    warning PAGE_REPAIRED = "page-repaired", "Restore a backup set from before the repair.";
    page PAGE_OLD_RECORD = "page-old-record", RESTORE;
    page TAG_FLAGS = "tag-flags", RESTORE;
    page NODE = "node", RESTORE;
    page NODE_LENGTH = "node-length", RESTORE;
    page NODE_DATA = "node-data", RESTORE;
    page NODE_KEY = "node-key", RESTORE;
    page NODE_CHILD = "node-child", RESTORE;
    page NODE_FLAGS = "node-flags", RESTORE;
    page NODE_PREFIX = "node-prefix", RESTORE;

    // Trees.
    error TREE_PAGE = "tree-page", REBUILD;
    error TREE_ZEROED = "tree-zeroed", RESTORE;
    error TREE_DAMAGED = "tree-damaged", RESTORE;
    error TREE_SHARED = "tree-shared", REBUILD;
    error TREE_FLAGS = "tree-flags", REBUILD;
    error TREE_LEVEL = "tree-level", REBUILD;
    error TREE_DEPTH = "tree-depth", REBUILD;
    error TREE_EMPTY = "tree-empty", REBUILD;
    error ROOT_FLAG = "root-flag", REBUILD;
    note ROOT_FLAG_REPAIRED = "root-flag-repaired", NOTHING;
    error OBJID = "objid", REBUILD;
    error SIBLING = "sibling", REBUILD;
    error KEY_ORDER = "key-order", REBUILD;
    error KEY_BOUND = "key-bound", REBUILD;
    error DBTIME = "dbtime", "Restore a backup set: the header is older than the pages.";

    // Space.
    error SPACE_HEADER = "space-header", SPACE;
    error SPACE_PARENT = "space-parent", SPACE;
    error SPACE_UNIQUE = "space-unique", SPACE;
    error SPACE_NODE = "space-node", SPACE;
    error SPACE_OVERLAP = "space-overlap", SPACE;
    error SPACE_PRIMARY = "space-primary", SPACE;
    error SPACE_AVAILABLE = "space-available", SPACE;
    error SPACE_NOT_IN_PARENT = "space-not-in-parent", SPACE;
    error SPACE_OWNED_TWICE = "space-owned-twice", SPACE;
    error SPACE_NOT_OWNED = "space-not-owned", SPACE;
    error SPACE_USED_TWICE = "space-used-twice", SPACE;
    error SPACE_LIMIT = "space-limit", SPACE;
    error SPLIT_BUFFER = "split-buffer", SPACE;
    note LEAKED = "leaked", "An offline defragmentation gives the space back.";
    note UNOWNED = "unowned", NOTHING;
    note SPACE_PARTIAL = "space-partial", NOTHING;

    // The catalog.
    error CATALOG = "catalog", RESTORE;
    error CATALOG_SHADOW = "catalog-shadow", RESTORE;
    note CATALOG_SHADOW_FORM = "catalog-shadow-form", NOTHING;
    error CATALOG_ROW = "catalog-row", RESTORE;
    error CATALOG_NAME = "catalog-name", RESTORE;
    error CATALOG_OBJID = "catalog-objid", RESTORE;
    error CATALOG_INDEX = "catalog-index", RESTORE;
    error CATALOG_COLUMN = "catalog-column", RESTORE;
    error CATALOG_OBJIDS = "catalog-objids", RESTORE;
}
