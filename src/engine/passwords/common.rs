//! The common and breached passwords that zxcvbn does not know.
//!
//! Its own list is short. Of the 8,354 passwords of eight characters and more on Django's list it
//! lets 833 pass, of the 17,950 of zxcvbn-ts 729 (names of sites, words of other languages, keys
//! walked with gaps). So both lists are in the binary, as the first five bytes of a SHA-256 each:
//! about 100 kB, read where it lies. `scripts/common-passwords` makes the file.

use sha2::{Digest, Sha256};

/// Bytes kept of each digest.
const KEPT: usize = 5;

/// The digests, sorted.
const COMMON: &[[u8; KEPT]] = include_bytes!("common.bin").as_chunks().0;

/// Whether the password is on a list, in whatever case. It is in NFKC already.
pub(super) fn is_listed(password: &str) -> bool {
    let digest = Sha256::digest(password.to_lowercase());
    digest.first_chunk().is_some_and(|start| COMMON.binary_search(start).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_sorted() {
        assert!(include_bytes!("common.bin").as_chunks::<KEPT>().1.is_empty());
        assert!(
            COMMON.len() > 15_000 && COMMON.is_sorted_by(|one, next| one < next),
            "{}",
            COMMON.len()
        );
    }

    #[test]
    fn what_is_listed_is_found_in_any_case_and_nothing_else_is() {
        for listed in ["password", "FenerBahce", "borboleta", "gfhfdjpbr", "spider-man"] {
            assert!(is_listed(listed), "{listed}");
        }
        for unlisted in ["", "a calm blue door", "seven purple herons", "пароль на каждый день"]
        {
            assert!(!is_listed(unlisted), "{unlisted}");
        }
    }
}
