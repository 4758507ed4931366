//! Password hashes: argon2id on a few threads of their own.
//!
//! One hash costs 19 MiB and about 30 ms by intent, or what the operator [sets](HashCost). On the
//! async workers a burst of sign-ins would freeze every page; on the runtime's blocking pool it
//! would run on hundreds of threads and eat the memory (655 MB seen). So there is one thread a
//! core, each with one buffer that it reuses and gives back when nothing has come for a while, and
//! a queue with an end: what does not fit is told to come back later (S14).
//!
//! An unknown account costs the same hash as one under today's cost ([`Hasher::verify`] with
//! `None`), and a password over [`MAX_PASSWORD_BYTES`] is wrong without being read further (S02,
//! S75). A hash under a former cost takes the time of that one until its owner signs in next, which
//! makes a new one (S11).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

use super::super::stats::HashCounts;
use crate::{
    port::{Failure, Password, Random},
    server::work_pool::let_answers_go_first,
};

/// The longest password that is looked at, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// How long a thread keeps its memory when nothing comes.
const KEEP_BUFFER: Duration = Duration::from_secs(5);

/// How long a password waits at most. On a machine that is busy with other things, or where one
/// hash costs a second, a full queue would take minutes: nobody looks at that answer any more
/// (R18).
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Wait to suggest when the queue is full.
const BUSY: Duration = Duration::from_secs(2);

/// Ratings of new passwords that may be in the queue at once. Each takes a few milliseconds at
/// most, so together they delay a hash by less than another hash would.
const RATINGS: usize = 8;

/// Cost of one hash, on one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// In KiB.
    pub memory: u32,
    pub passes: u32,
}

impl HashCost {
    /// The most memory that can be set: 1 GiB a core.
    pub const MOST_MEMORY: u32 = 1024 * 1024;
    /// The most passes that can be set.
    pub const MOST_PASSES: u32 = 32;

    /// The least memory for a number of passes: the five rows of the OWASP Password Storage Cheat
    /// Sheet, which it calls equally strong. `None` for no pass at all.
    pub fn least_memory(passes: u32) -> Option<u32> {
        match passes {
            0 => None,
            1 => Some(47_104),
            2 => Some(19_456),
            3 => Some(12_288),
            4 => Some(9_216),
            5.. => Some(7_168),
        }
    }

    fn params(self) -> Option<Params> {
        let least = Self::least_memory(self.passes)?;
        let is_good =
            (least..=Self::MOST_MEMORY).contains(&self.memory) && self.passes <= Self::MOST_PASSES;
        if is_good { Params::new(self.memory, self.passes, 1, None).ok() } else { None }
    }
}

impl Default for HashCost {
    /// 19 MiB and two passes.
    fn default() -> Self {
        Self { memory: 19_456, passes: 2 }
    }
}

/// The threads that hash. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    jobs: SyncSender<Job>,
    params: Params,
    counts: Arc<HashCounts>,
    ratings: Arc<AtomicUsize>,
}

/// Place of one rating in the queue; given back when dropped.
struct RatingPlace(Arc<AtomicUsize>);

impl RatingPlace {
    fn take(ratings: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(ratings));
        (ratings.fetch_add(1, Ordering::AcqRel) < RATINGS).then_some(place)
    }
}

impl Drop for RatingPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why there is no hasher.
#[derive(Debug, thiserror::Error)]
pub enum HasherError {
    #[error(
        "a password hash of {} KiB in {} passes is too weak or too costly",
        .0.memory,
        .0.passes
    )]
    Cost(HashCost),
    #[error("the system gives no threads to hash passwords on")]
    Threads(#[source] std::io::Error),
}

/// Result of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCheck {
    pub right: bool,
    /// The stored hash was made with weaker parameters than today's: make a new one while the
    /// password is at hand (S11).
    pub outdated: bool,
}

/// A new hash, and whether the one beside it is of the same password.
#[derive(Debug)]
pub struct HashedBeside {
    pub hash: String,
    pub is_same: bool,
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

impl Hasher {
    /// Starts `threads` threads with room for `queue` waiting passwords.
    ///
    /// # Errors
    /// When the cost is outside its bounds, or the system gives no more threads.
    pub fn new(threads: usize, queue: usize, cost: HashCost) -> Result<Self, HasherError> {
        let params = cost.params().ok_or(HasherError::Cost(cost))?;
        let (jobs, waiting) = mpsc::sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new().name(format!("hash-{number}"));
            thread.spawn(move || work(&waiting)).map_err(HasherError::Threads)?;
        }
        Ok(Self { jobs, params, counts: Arc::default(), ratings: Arc::default() })
    }

    /// Hashes a password with a fresh salt, in PHC string format.
    ///
    /// # Errors
    /// Unavailable when the queue is full.
    pub async fn hash(&self, password: &Password, random: &dyn Random) -> Result<String, Failure> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        random.fill(&mut salt);
        let (password, params) = (prepared(password), self.params.clone());
        self.run(move |memory| hash(&params, &password, &salt, memory))
            .await?
            .map_err(Failure::broken)
    }

    /// Hashes a password of a sign-up beside one that waits for the same address, and compares the
    /// two. It costs one hash, as without the other one: the time does not tell that somebody
    /// signed up before (S04).
    ///
    /// So both have one salt, until one of them proves the address and the other one goes. A hash
    /// that was made with other parameters cannot be compared at that price and counts as another
    /// password.
    ///
    /// # Errors
    /// Unavailable when the queue is full.
    pub async fn hash_beside(
        &self,
        password: &Password,
        former: Option<&str>,
        random: &dyn Random,
    ) -> Result<HashedBeside, Failure> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        random.fill(&mut salt);
        let (password, params) = (prepared(password), self.params.clone());
        let former = former.map(str::to_owned);
        let hashed = self.run(move |memory| match former {
            Some(former) => hash_beside(&params, &password, &former, &salt, memory),
            None => hash(&params, &password, &salt, memory)
                .map(|hash| HashedBeside { hash, is_same: false }),
        });
        hashed.await?.map_err(Failure::broken)
    }

    /// Compares a password with a stored hash, or with nobody's at today's cost.
    ///
    /// # Errors
    /// Unavailable when the queue is full; broken when the stored text is no hash.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<PasswordCheck, Failure> {
        let somebody = stored.is_some();
        let stored = stored.map_or_else(|| nobody(&self.params), str::to_owned);
        let params = self.params.clone();
        let too_long = password.expose().len() > MAX_PASSWORD_BYTES;
        let password = if too_long { String::new() } else { prepared(password) };
        let verdict = self
            .run(move |memory| verify(&params, &password, &stored, memory))
            .await?
            .map_err(Failure::broken)?;
        Ok(PasswordCheck {
            right: verdict.right && somebody && !too_long,
            outdated: verdict.outdated && somebody,
        })
    }

    /// Runs the rating of a new password on the threads that hash, in a small share of their queue:
    /// ratings cannot keep sign-ins waiting (S108).
    ///
    /// # Errors
    /// Unavailable when the queue or its share is full; broken when the rating panics.
    pub(in crate::engine) async fn rate<T: Send + 'static>(
        &self,
        rating: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let place = RatingPlace::take(&self.ratings).ok_or_else(|| {
            Failure::unavailable(BUSY, "too many passwords are waiting to be rated")
        })?;
        // The job holds the place to its end, even when nobody waits for it any more.
        let job = move |_: &mut Vec<Block>| {
            let _slot = place;
            catch_unwind(AssertUnwindSafe(rating))
        };
        let rated = self.run_counted(&Arc::default(), job).await?;
        rated.map_err(|_| Failure::broken("the rating of a password panicked"))
    }

    /// How many were hashed, wait, and were refused.
    pub(in crate::engine) fn counts(&self) -> &HashCounts {
        &self.counts
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.run_counted(&self.counts, job).await
    }

    async fn run_counted<T: Send + 'static>(
        &self,
        all_counts: &Arc<HashCounts>,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let counts = Arc::clone(all_counts);
        let queued = Instant::now();
        let job: Job = Box::new(move |memory| {
            if queued.elapsed() > LONGEST_WAIT {
                counts.refuse();
                drop(answer.send(None));
                return;
            }
            counts.begin(!answer.is_closed());
            // Nobody waits any more when the caller hung up while in the queue: spend no hash on
            // it.
            if !answer.is_closed() {
                drop(answer.send(Some(job(memory))));
            }
        });
        all_counts.queue();
        self.jobs.try_send(job).map_err(|refused| {
            all_counts.refuse();
            match refused {
                TrySendError::Full(_) => {
                    Failure::unavailable(BUSY, "too many passwords are waiting to be hashed")
                }
                TrySendError::Disconnected(_) => Failure::broken("the threads that hash are gone"),
            }
        })?;
        let answer = answered.await.map_err(|_| Failure::broken("a hash was not finished"))?;
        answer.ok_or_else(|| Failure::unavailable(BUSY, "a password waited too long to be hashed"))
    }
}

/// Takes jobs until the last [`Hasher`] is gone.
fn work(waiting: &Mutex<mpsc::Receiver<Job>>) {
    let_answers_go_first();
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

/// NFKC, so that one password typed on two keyboards is one password (NIST SP 800-63B-4 §3.1.1.2).
/// Nothing is trimmed.
fn prepared(password: &Password) -> String {
    password.expose().nfkc().collect()
}

/// Verified against when there is no account or no password: of nobody's password, at today's cost.
fn nobody(params: &Params) -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={},t={},p=1${salt}${output}", params.m_cost(), params.t_cost())
}

fn hash(
    params: &Params,
    password: &str,
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<String, argon2::password_hash::Error> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(params, Algorithm::Argon2id, Version::V0x13, password, salt, &mut output, memory)?;
    Ok(PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&output)?),
    }
    .to_string())
}

/// Whether a stored text is a hash that a password can be compared with.
pub(in crate::engine) fn is_hash(stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        Params::try_from(&stored).is_ok()
            && Algorithm::try_from(stored.algorithm.as_str()).is_ok()
            && stored.version.is_none_or(|version| Version::try_from(version).is_ok())
            && stored.salt.is_some()
            && stored.hash.is_some()
    })
}

fn hash_beside(
    params: &Params,
    password: &str,
    former: &str,
    fresh_salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<HashedBeside, argon2::password_hash::Error> {
    let parsed = PasswordHash::new(former)?;
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    let is_alike = parsed.algorithm == argon2::ARGON2ID_IDENT
        && parsed.version == Some(Version::V0x13.into())
        && costs(&Params::try_from(&parsed)?) == costs(params);
    let salt = parsed.salt.as_ref().filter(|_| is_alike).map_or(fresh_salt, |salt| salt);
    let hash = hash(params, password, salt, memory)?;
    let is_same = is_alike && hash.as_bytes().ct_eq(former.as_bytes()).into();
    Ok(HashedBeside { hash, is_same })
}

/// `today` is what a hash is made with now.
fn verify(
    today: &Params,
    password: &str,
    stored: &str,
    memory: &mut Vec<Block>,
) -> Result<PasswordCheck, argon2::password_hash::Error> {
    let stored = PasswordHash::new(stored)?;
    let params = Params::try_from(&stored)?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Err(argon2::password_hash::Error::EncodingInvalid);
    };
    let mut output = vec![0; expected.len()];
    fill(&params, algorithm, version, password, &salt, &mut output, memory)?;
    let weaker = params.m_cost() < today.m_cost() || params.t_cost() < today.t_cost();
    Ok(PasswordCheck {
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

    struct CountingHasher;
    impl Random for CountingHasher {
        fn fill(&self, bytes: &mut [u8]) {
            for (number, byte) in (0..).zip(bytes) {
                *byte = number;
            }
        }
    }

    fn password(text: &str) -> Password {
        Password::entered(text)
    }

    #[test]
    fn a_cost_below_the_cheat_sheet_or_beyond_reason_starts_nothing() {
        for (memory, passes) in
            [(19_455, 2), (47_103, 1), (7_167, 32), (19_456, 0), (1_048_577, 2), (19_456, 33)]
        {
            assert!(Hasher::new(1, 1, HashCost { memory, passes }).is_err(), "{memory} {passes}");
        }
        for (memory, passes) in
            [(19_456, 2), (47_104, 1), (12_288, 3), (9_216, 4), (7_168, 5), (65_536, 3)]
        {
            assert!(Hasher::new(1, 1, HashCost { memory, passes }).is_ok(), "{memory} {passes}");
        }
    }

    /// S02: what is compared for nobody is made as a real one is.
    #[tokio::test]
    async fn nobodys_hash_costs_what_a_real_one_does() {
        for (memory, passes) in [(19_456, 2), (7_168, 5), (65_536, 3)] {
            let hasher = Hasher::new(1, 4, HashCost { memory, passes }).unwrap();
            let real = hasher.hash(&password("a calm blue door"), &CountingHasher).await.unwrap();
            let [real, nobody] =
                [real, nobody(&hasher.params)].map(|text| PasswordHash::new(&text).unwrap());
            assert_eq!(Params::try_from(&real).unwrap(), Params::try_from(&nobody).unwrap());
            assert_eq!(real.hash.unwrap().len(), nobody.hash.unwrap().len());
            assert_eq!(real.salt.unwrap().len(), nobody.salt.unwrap().len());
        }
    }

    #[tokio::test]
    async fn a_password_is_right_and_another_is_wrong() {
        let hasher = Hasher::new(1, 4, HashCost::default()).unwrap();
        let stored = hasher.hash(&password("a calm blue door"), &CountingHasher).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let right = hasher.verify(&password("a calm blue door"), Some(&stored)).await.unwrap();
        assert_eq!(right, PasswordCheck { right: true, outdated: false });
        assert!(!hasher.verify(&password("a calm red door"), Some(&stored)).await.unwrap().right);
    }

    #[tokio::test]
    async fn nobody_has_no_password_not_even_the_empty_one() {
        let hasher = Hasher::new(1, 4, HashCost::default()).unwrap();
        for entered in ["", "anything", &"x".repeat(5000)] {
            assert_eq!(
                hasher.verify(&password(entered), None).await.unwrap(),
                PasswordCheck { right: false, outdated: false }
            );
        }
    }

    #[tokio::test]
    async fn a_hash_of_an_independent_implementation_verifies_and_a_weak_one_is_outdated() {
        // Test vector of the reference implementation: argon2id, m=65536, t=2, p=1, "password",
        // "somesalt".
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = Hasher::new(1, 4, HashCost::default()).unwrap();
        assert_eq!(
            hasher.verify(&password("password"), Some(stored)).await.unwrap(),
            PasswordCheck { right: true, outdated: false }
        );
        let weak =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert_eq!(
            hasher.verify(&password("password"), Some(weak)).await.unwrap(),
            PasswordCheck { right: true, outdated: true }
        );
    }

    #[tokio::test]
    async fn one_password_typed_on_two_keyboards_is_one_password() {
        let hasher = Hasher::new(1, 4, HashCost::default()).unwrap();
        let stored =
            hasher.hash(&password("caf\u{e9} on the corner"), &CountingHasher).await.unwrap();
        assert!(
            hasher
                .verify(&password("cafe\u{301} on the corner"), Some(&stored))
                .await
                .unwrap()
                .right
        );
    }

    /// S108
    #[tokio::test]
    async fn ratings_have_a_small_share_of_the_queue_and_a_panic_ends_none_of_the_threads() {
        let hasher = Hasher::new(1, 64, HashCost::default()).unwrap();
        assert!(hasher.rate(|| panic!("a rating stumbled")).await.is_err());
        let slow = || std::thread::sleep(Duration::from_millis(20));
        let ratings = futures_util::future::join_all((0..50).map(|_| hasher.rate(slow)));
        let entered = password("x");
        let (ratings, hash) = tokio::join!(ratings, hasher.verify(&entered, None));
        let refused = ratings.into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert_eq!(refused.len(), 50 - RATINGS);
        assert!(refused.iter().all(|failure| failure.retry_after.is_some()));
        assert!(hash.is_ok());
    }

    /// S04: one hash each.
    #[tokio::test]
    async fn a_hash_beside_another_tells_whether_they_are_of_one_password() {
        let hasher = Hasher::new(1, 8, HashCost::default()).unwrap();
        let dearer = Hasher::new(1, 8, HashCost { passes: 3, ..HashCost::default() }).unwrap();
        let [right, wrong] = ["a lamp in the hall", "a lamp in the attic"].map(password);
        let first = hasher.hash_beside(&right, None, &crate::engine::SystemRandom).await.unwrap();
        assert!(!first.is_same);
        let same = hasher
            .hash_beside(&right, Some(&first.hash), &crate::engine::SystemRandom)
            .await
            .unwrap();
        let other = hasher
            .hash_beside(&wrong, Some(&first.hash), &crate::engine::SystemRandom)
            .await
            .unwrap();
        assert!(same.is_same && !other.is_same);
        assert!(hasher.verify(&wrong, Some(&other.hash)).await.unwrap().right);
        assert!(!hasher.verify(&right, Some(&other.hash)).await.unwrap().right);
        let later = dearer
            .hash_beside(&right, Some(&first.hash), &crate::engine::SystemRandom)
            .await
            .unwrap();
        assert!(!later.is_same && dearer.verify(&right, Some(&later.hash)).await.unwrap().right);
        let salt = |hash: &str| PasswordHash::new(hash).unwrap().salt.unwrap().to_string();
        assert_ne!(salt(&later.hash), salt(&first.hash));
    }

    #[tokio::test]
    async fn a_burst_beyond_the_queue_is_told_to_come_back() {
        let hasher = Hasher::new(1, 1, HashCost::default()).unwrap();
        let tries = (0..20).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.verify(&password("x"), None).await })
        });
        let mut busy = 0;
        for answer in tries.collect::<Vec<_>>() {
            busy += usize::from(
                answer.await.unwrap().is_err_and(|failure| failure.retry_after.is_some()),
            );
        }
        assert!((1..20).contains(&busy), "{busy} of 20 were told to wait");
    }
}
