//! Providers that are away, slow or too generous with words (SECURITY.md S30, R12).
