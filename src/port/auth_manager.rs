//! The operations of the auth manager: one method for each thing a person can do to an account.

use std::{future::Future, pin::Pin};

use super::{AccessToken, Caller, FieldUpdate, LinkKey, Outcome, Password, Picture, Session, StoredFile, Upload, User};

/// What an operation returns: a future of its own, so that the backend can be a trait object.
pub type Answer<T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send>>;

/// The backend behind the doors. Names follow the official client library where it has the operation.
///
/// Operations marked *member* need `caller.session`; without one they are refused with `MissingSessionToken`, with a dead
/// one with `InvalidSessionToken`.
pub trait AuthManager: Send + Sync {
    /// What this backend is set to do: pages show only what works.
    fn offers(&self) -> &Offers;

    /// *Member.* Who the caller is. The one look-up behind every private page; a session ended anywhere, by anybody, is
    /// refused here at the next call.
    fn member(&self, caller: Caller) -> Answer<Member>;

    /// Makes an account that waits for its address to be proved, and mails the link. With `confirm_email` off the account
    /// is usable at once and the answer carries a grant.
    ///
    /// Refused with `EmailNotUnique` when somebody *proved* that address before; the owner is told by mail. An account that
    /// never proved the address blocks nobody. The page must not pass this refusal on (SECURITY.md S04).
    fn sign_up_with_email(&self, caller: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp>;

    /// Moves a sign-up that still waits for its proof from a mistyped address to the right one and mails the link there;
    /// the old link dies. Only for the browser that signed up (`caller.browser`). Answers the same for free and taken
    /// addresses. Refused with `NothingToCorrect` when this browser has no such sign-up.
    fn correct_sign_up_email(&self, caller: Caller, old_email: String, new_email: String) -> Answer<()>;

    /// Mails the confirmation link again. Answers the same whether or not anybody waits for it.
    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Refused with `InvalidSignInCredentials` for an unknown address and for a wrong password alike, in the same time;
    /// with `EmailNotVerified` only after the right password.
    fn sign_in_with_email(&self, caller: Caller, email: String, password: Password) -> Answer<Grant>;

    /// Spends an access token (from a mailed link or a provider) for a session. The first redemption of any token made from
    /// one link spends the link and kills the rest. Proves the address the link was mailed to.
    ///
    /// Refused with `InvalidAccessToken` when unknown, expired or spent, `InvalidTokenType` for a reset token.
    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<Grant>;

    /// As [`get_auth_grant`](Self::get_auth_grant), but only if the link was asked for by this very browser
    /// (`caller.browser`); otherwise `Ok(None)` and nothing is spent. This is what lets a link finish without a press.
    fn finish_where_begun(&self, caller: Caller, token: AccessToken) -> Answer<Option<Grant>>;

    /// Mails a sign-in link. Answers the same whether or not the account exists.
    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Mails a password reset link. Answers the same whether or not the account exists.
    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()>;

    /// Sets a new password with the access token of a reset link. Ends every session and every older link; signs nobody in.
    fn reset_password_with_token(&self, caller: Caller, token: AccessToken, new_password: Password) -> Answer<()>;

    /// *Member.* Changes the password. Every other session and every older link ends, the owner is told. Answers the session
    /// to go on with: at the pages it has a new token (S32), on the wire the old one stays good, as clients expect.
    fn change_password(&self, caller: Caller, old_password: Password, new_password: Password) -> Answer<Session>;

    /// *Member.* Asks to move the account to a new address. The new address gets a link that proves it, the old one is told.
    /// The user comes back unchanged, unless `confirm_email` is off.
    fn change_email(&self, caller: Caller, current_password: Password, new_email: String) -> Answer<User>;

    /// Finishes a change of address with the key of the link that was mailed to the new one. Needs no session: the key is
    /// the proof. Refused with `InvalidAccessToken`, or `EmailNotUnique` when the address was taken meanwhile.
    fn confirm_email_change(&self, caller: Caller, key: LinkKey) -> Answer<User>;

    /// *Member.* The sessions of the caller's account, newest first, the current one marked.
    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>>;

    /// *Member.* Ends the caller's session, or the one that `handle` names (a session's `handle`, or a real token). A handle
    /// of somebody else's session is refused like one that never was.
    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()>;

    /// *Member.* Ends every session of the account.
    fn sign_out_all(&self, caller: Caller) -> Answer<()>;

    /// *Member.* Ends every session of the account but this one.
    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()>;

    /// *Member.* Changes fields of one's own user object. Fields that only flows may write are refused with
    /// `FieldNotWritable`; all or nothing.
    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User>;

    /// *Member.* Makes the picture the account's: decoded, cropped square, re-encoded, the former one deleted.
    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User>;

    /// *Member.* Goes back to initials and deletes the picture.
    fn remove_picture(&self, caller: Caller) -> Answer<User>;

    /// *Member.* Stores a file in a bucket. Only raster pictures, re-encoded.
    fn upload(&self, caller: Caller, upload: Upload) -> Answer<StoredFile>;

    /// *Member.* Deletes one's own file by its public URL. An unknown URL is no error.
    fn delete_file(&self, caller: Caller, public_path: String) -> Answer<()>;

    /// A public file by its bucket and id, for anybody.
    fn public_file(&self, bucket_id: String, file_id: String) -> Answer<Option<Picture>>;
}

/// What the backend is set to do.
#[derive(Debug, Clone)]
pub struct Offers {
    /// Whether an address must be proved before its account can be used.
    pub confirm_email: bool,
    /// Shortest password accepted, in characters.
    pub password_min: usize,
    /// How long a mailed link lives, in minutes, for the sentence that says so.
    pub link_minutes: u32,
}

/// A signed-in person and the session they are here with.
#[derive(Debug, Clone)]
pub struct Member {
    pub user: User,
    pub session: Session,
}

/// A fresh session and whose it is. `session.token` is the real one.
#[derive(Debug, Clone)]
pub struct Grant {
    pub user: User,
    pub session: Session,
}

/// What somebody types to sign up, as typed.
#[derive(Debug)]
pub struct SignUpWithEmail {
    pub email: String,
    pub password: Password,
    pub name: Option<String>,
}

/// The answer to a sign-up: the new account, and a grant when no confirmation is asked for.
#[derive(Debug)]
pub struct SignedUp {
    pub user: User,
    pub grant: Option<Grant>,
}
