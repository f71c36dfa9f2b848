//! Files in memory (placeholder).
