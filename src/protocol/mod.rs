//! The words of the Altogic REST protocol, as types: paths, headers, bodies and errors, and how the
//! port's types become JSON.
//!
//! Here is what both ends of the wire share: the REST channel speaks these words, a remote adapter
//! listens to them. Nothing here does anything. The source for every name is altogic-protocol.md;
//! section numbers stand beside them.

pub mod bodies;
pub mod errors;
pub mod headers;
pub mod objects;
pub mod paths;
pub mod refusals;
pub mod storage;
