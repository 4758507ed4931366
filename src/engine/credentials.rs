//! Password hashes: argon2id on a few threads of their own.
//!
//! One hash costs 19 MiB and about 30 ms by intent. On the async workers a burst of sign-ins would freeze every page; on
//! the runtime's blocking pool it would run on hundreds of threads and eat the memory (655 MB seen). So there is one
//! thread a core, each with one buffer that it reuses and gives back when nothing has come for a while, and a queue with
//! an end: what does not fit is told to come back later (SECURITY.md S14).
//!
//! An unknown account costs the same hash as a known one ([`Hasher::verify`] with `None`), and a password over
//! [`MAX_PASSWORD_BYTES`] is wrong without being read further (S02, S75).

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

use crate::port::{Failure, Password, Random};

/// The longest password that is looked at, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const PARAMS: Params = Params::DEFAULT;

/// How long a thread keeps its 19 MiB when nothing comes.
const KEEP_BUFFER: Duration = Duration::from_secs(5);

/// What a caller is told to wait when the queue is full.
const BUSY: Duration = Duration::from_secs(2);

/// Verified against when there is no account or no password: of nobody's password, with today's parameters.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The threads that hash. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    jobs: SyncSender<Job>,
}

/// What became of a password that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    /// The stored hash was made with weaker parameters than today's: make a new one while the password is at hand (S11).
    pub outdated: bool,
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

impl Hasher {
    /// Starts `threads` threads with room for `queue` waiting passwords.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn new(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Hashes a password with a fresh salt, in PHC string format.
    ///
    /// # Errors
    /// Unavailable when the queue is full.
    pub async fn hash(&self, password: &Password, random: &dyn Random) -> Result<String, Failure> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        random.fill(&mut salt);
        let password = prepared(password);
        self.run(move |memory| hash(&password, &salt, memory)).await?.map_err(Failure::broken)
    }

    /// Compares a password with a stored hash, or with nobody's at the same cost.
    ///
    /// # Errors
    /// Unavailable when the queue is full; broken when the stored text is no hash.
    pub async fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verdict, Failure> {
        let somebody = stored.is_some();
        let stored = stored.unwrap_or(NOBODY).to_owned();
        let too_long = password.expose().len() > MAX_PASSWORD_BYTES;
        let password = if too_long { String::new() } else { prepared(password) };
        let verdict = self.run(move |memory| verify(&password, &stored, memory)).await?.map_err(Failure::broken)?;
        Ok(Verdict { right: verdict.right && somebody && !too_long, outdated: verdict.outdated && somebody })
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Nobody waits any more when the caller hung up while in the queue: spend no hash on it.
            if !answer.is_closed() {
                drop(answer.send(job(memory)));
            }
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Failure::unavailable(BUSY, "too many passwords are waiting to be hashed"),
            TrySendError::Disconnected(_) => Failure::broken("the threads that hash are gone"),
        })?;
        answered.await.map_err(|_| Failure::broken("a hash was not finished"))
    }
}

/// Takes jobs until the last [`Hasher`] is gone.
fn work(waiting: &Mutex<mpsc::Receiver<Job>>) {
    let mut memory = Vec::new();
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(KEEP_BUFFER);
        match job {
            Ok(job) => job(&mut memory),
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// NFKC, so that one password typed on two keyboards is one password (NIST SP 800-63B-4 §3.1.1.2). Nothing is trimmed.
fn prepared(password: &Password) -> String {
    password.expose().nfkc().collect()
}

fn hash(password: &str, salt: &[u8], memory: &mut Vec<Block>) -> Result<String, argon2::password_hash::Error> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(&PARAMS, Algorithm::Argon2id, Version::V0x13, password, salt, &mut output, memory)?;
    Ok(PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&output)?),
    }
    .to_string())
}

fn verify(password: &str, stored: &str, memory: &mut Vec<Block>) -> Result<Verdict, argon2::password_hash::Error> {
    let stored = PasswordHash::new(stored)?;
    let params = Params::try_from(&stored)?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Err(argon2::password_hash::Error::EncodingInvalid);
    };
    let mut output = vec![0; expected.len()];
    fill(&params, algorithm, version, password, &salt, &mut output, memory)?;
    let weaker = params.m_cost() < PARAMS.m_cost() || params.t_cost() < PARAMS.t_cost();
    Ok(Verdict {
        right: output.ct_eq(expected.as_bytes()).into(),
        outdated: weaker || algorithm != Algorithm::Argon2id,
    })
}

fn fill(
    params: &Params,
    algorithm: Algorithm,
    version: Version,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        output,
        memory.as_mut_slice(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (number, byte) in (0..).zip(bytes) {
                *byte = number;
            }
        }
    }

    fn password(text: &str) -> Password {
        Password::typed(text)
    }

    #[tokio::test]
    async fn a_password_is_right_and_another_is_wrong() {
        let hasher = Hasher::new(1, 4).unwrap();
        let stored = hasher.hash(&password("a calm blue door"), &Counting).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let right = hasher.verify(&password("a calm blue door"), Some(&stored)).await.unwrap();
        assert_eq!(right, Verdict { right: true, outdated: false });
        assert!(!hasher.verify(&password("a calm red door"), Some(&stored)).await.unwrap().right);
    }

    #[tokio::test]
    async fn nobody_has_no_password_not_even_the_empty_one() {
        let hasher = Hasher::new(1, 4).unwrap();
        for typed in ["", "anything", &"x".repeat(5000)] {
            assert_eq!(hasher.verify(&password(typed), None).await.unwrap(), Verdict { right: false, outdated: false });
        }
    }

    #[tokio::test]
    async fn a_hash_of_an_independent_implementation_verifies_and_a_weak_one_is_outdated() {
        // Test vector of the reference implementation: argon2id, m=65536, t=2, p=1, "password", "somesalt".
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = Hasher::new(1, 4).unwrap();
        assert_eq!(
            hasher.verify(&password("password"), Some(stored)).await.unwrap(),
            Verdict { right: true, outdated: false }
        );
        let weak = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert_eq!(
            hasher.verify(&password("password"), Some(weak)).await.unwrap(),
            Verdict { right: true, outdated: true }
        );
    }

    #[tokio::test]
    async fn one_password_typed_on_two_keyboards_is_one_password() {
        let hasher = Hasher::new(1, 4).unwrap();
        let stored = hasher.hash(&password("caf\u{e9} on the corner"), &Counting).await.unwrap();
        assert!(hasher.verify(&password("cafe\u{301} on the corner"), Some(&stored)).await.unwrap().right);
    }

    #[tokio::test]
    async fn a_burst_beyond_the_queue_is_told_to_come_back() {
        let hasher = Hasher::new(1, 1).unwrap();
        let tries = (0..20).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.verify(&password("x"), None).await })
        });
        let mut busy = 0;
        for answer in tries.collect::<Vec<_>>() {
            busy += usize::from(answer.await.unwrap().is_err_and(|failure| failure.retry_after.is_some()));
        }
        assert!((1..20).contains(&busy), "{busy} of 20 were told to wait");
    }
}
