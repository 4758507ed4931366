//! Files: pictures made safe, and where they lie.

pub mod darkroom;
pub mod folder;
pub mod picture;
