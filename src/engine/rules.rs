//! The table of operations: requirements of each operation of the port, declared once for both
//! channels.
//!
//! # The contract
//!
//! * [`Operation::rule`] is exhaustive: an operation without a row does not compile.
//! * [`Engine::enforce`] runs before the verb, whichever channel called, and fails closed: a session
//!   that cannot be looked up lets no verb run that needs one (S83).
//! * Every change of a way into the account (email, phone, password, second factor, provider,
//!   recovery codes, trusted browser) needs a recent proof (S20, S103) and, where the account has a
//!   second factor, a session that has shown it (S104). The proof is the password in the call, or
//!   a sign-in or reauthentication within ten minutes.
//! * [`Engine::locked`] repeats the look behind the lock of the account. Every verb that changes a way in
//!   for a session asks it: whoever waited for the database while the owner took the account back, or
//!   switched a second factor on, changes nothing (S21).
//! * A verb decides only what depends on the content of the call ([`Proof::ByContent`]), by the
//!   same functions of `flows/proofs.rs`.

use super::{
    Engine, accounts,
    flows::{require_fresh_proof, wants_factor},
    limits::Action,
    sessions::Current,
    store::{Transaction, values},
};
use crate::port::{Caller, Code, Member, Outcome};

/// Requirements of one operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Name in the security log and in the metrics.
    pub(super) name: &'static str,
    pub(super) session: Need,
    pub(super) proof: Proof,
    pub(super) address_limit: AddressLimit,
    /// Whether the security log has an entry for each call (S82).
    pub(super) recorded: bool,
    /// Whether it adds, changes or removes a way into an account.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests of the table"))]
    pub(super) changes_way_in: bool,
}

/// Allowance of the client address, and of the networks around it, that an operation takes (S109).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressLimit {
    /// Taken before the verb runs.
    Takes(Action),
    /// Taken by the verb, for the emails, SMS, accounts, guesses or searches that it makes.
    ByVerb,
    /// None: reads of the account of a session, which cost one look-up. A session token has 256 bits,
    /// so guessing at one is no attack.
    Read,
}

/// Session that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// None. A token, code or password in the call names the account.
    NoSession,
    SignedIn,
    /// A session, or an API key without one.
    SignedInOrApiKey,
}

/// Proof that an operation needs beside its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// None. A session that has not shown the second factor may do it.
    Nothing,
    /// In the call: the current password, a code or a token, which the verb checks. A session,
    /// where the row needs one, has shown the second factor.
    InCall,
    /// The session has shown the second factor, and its last proof is younger than ten minutes.
    Recent,
    /// Decided by the verb, which knows whether this call changes a way in.
    ByContent,
}

macro_rules! table {
    ($($operation:ident $name:literal $session:ident $proof:ident $limit:tt $recorded:tt $way_in:tt;)*) => {
        /// An operation of the port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operation { $($operation),* }

        impl Operation {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$operation),*];

            /// Looks the row up.
            pub(super) fn rule(self) -> Rule {
                match self {
                    $(Self::$operation => Rule {
                        name: $name,
                        session: Need::$session,
                        proof: Proof::$proof,
                        address_limit: limit!($limit),
                        recorded: yes!($recorded),
                        changes_way_in: yes!($way_in),
                    }),*
                }
            }
        }
    };
}

macro_rules! limit {
    (reads) => {
        AddressLimit::Read
    };
    (by_verb) => {
        AddressLimit::ByVerb
    };
    ($limit:ident) => {
        AddressLimit::Takes(Action::$limit)
    };
}

macro_rules! yes {
    (_) => {
        false
    };
    ($yes:ident) => {
        true
    };
}

table! {
    // operation, name, session, proof, limit by address, in the security log, changes a way in
    Member "member" SignedIn Nothing reads _ _;
    SignUpWithEmail "sign_up_with_email" NoSession Nothing by_verb recorded _;
    CorrectSignUpEmail "correct_sign_up_email" NoSession Nothing by_verb recorded _;
    ResendVerificationEmail "resend_verification_email" NoSession Nothing by_verb recorded _;
    SignInWithEmail "sign_in_with_email" NoSession Nothing by_verb recorded _;
    GetAuthGrant "get_auth_grant" NoSession Nothing GuessFromAddress recorded _;
    FinishWhereBegun "finish_where_begun" NoSession Nothing GuessFromAddress recorded _;
    ReadPhone "read_phone" NoSession Nothing ReadPhone _ _;
    SignUpWithPhone "sign_up_with_phone" NoSession Nothing by_verb recorded _;
    VerifyPhone "verify_phone" NoSession InCall by_verb recorded way_in;
    ResendVerificationCode "resend_verification_code" NoSession Nothing by_verb recorded _;
    SignInWithPhone "sign_in_with_phone" NoSession Nothing by_verb recorded _;
    SendSignInCode "send_sign_in_code" NoSession Nothing by_verb recorded _;
    SignInWithCode "sign_in_with_code" NoSession Nothing by_verb recorded _;
    SendResetPasswordCode "send_reset_password_code" NoSession Nothing by_verb recorded _;
    ResetPasswordWithCode "reset_password_with_code" NoSession InCall by_verb recorded way_in;
    ChangePhone "change_phone" SignedIn InCall by_verb recorded way_in;
    SetPhone "set_phone" SignedIn Recent by_verb recorded way_in;
    VerifyOwnPhone "verify_own_phone" SignedIn InCall GuessFromAddress recorded way_in;
    SignInWithSecondFactor "sign_in_with_second_factor" NoSession Nothing GuessFromAddress recorded _;
    SecondFactors "second_factors" SignedIn Nothing reads _ _;
    SwitchTextFactor "switch_text_factor" SignedIn Recent ChangeFromAddress recorded way_in;
    BeginAuthenticator "begin_authenticator" SignedIn Recent ChangeFromAddress recorded way_in;
    WaitingAuthenticator "waiting_authenticator" SignedIn Recent reads _ _;
    ConfirmAuthenticator "confirm_authenticator" SignedIn Recent GuessFromAddress recorded way_in;
    RemoveAuthenticator "remove_authenticator" SignedIn Recent ChangeFromAddress recorded way_in;
    MakeRecoveryCodes "make_recovery_codes" SignedIn Recent ChangeFromAddress recorded way_in;
    UntrustBrowsers "untrust_browsers" SignedIn Recent ChangeFromAddress recorded way_in;
    ResendSecondFactor "resend_second_factor" NoSession Nothing GuessFromAddress recorded _;
    SendMagicLinkEmail "send_magic_link_email" NoSession Nothing by_verb recorded _;
    SendResetPasswordEmail "send_reset_password_email" NoSession Nothing by_verb recorded _;
    ResetPasswordWithToken "reset_password_with_token" NoSession InCall GuessFromAddress recorded way_in;
    ProofMethods "proof_methods" SignedIn Nothing reads _ _;
    SendProofCode "send_proof_code" SignedIn Nothing by_verb recorded _;
    Prove "prove" SignedIn Nothing GuessFromAddress recorded _;
    ChangePassword "change_password" SignedIn InCall GuessFromAddress recorded way_in;
    ChangeEmail "change_email" SignedIn InCall by_verb recorded way_in;
    ConfirmEmailChange "confirm_email_change" NoSession InCall GuessFromAddress recorded way_in;
    ConfirmEmailChangeWithPassword "confirm_email_change_with_password" NoSession InCall GuessFromAddress recorded way_in;
    ConfirmEmailChangeWithCode "confirm_email_change_with_code" SignedIn InCall by_verb recorded way_in;
    OpenMailCode "open_mail_code" NoSession Nothing by_verb recorded _;
    DescribeLink "describe_link" NoSession Nothing GuessFromAddress _ _;
    ChooseLinkPassword "choose_link_password" NoSession InCall GuessFromAddress recorded way_in;
    DescribeEmailChange "describe_email_change" NoSession Nothing GuessFromAddress _ _;
    DescribeNotMe "describe_not_me" NoSession Nothing GuessFromAddress _ _;
    ReportNotMe "report_not_me" NoSession InCall GuessFromAddress recorded way_in;
    BeginProvider "begin_provider" NoSession ByContent by_verb _ _;
    FinishProvider "finish_provider" NoSession InCall GuessFromAddress recorded way_in;
    OfferedConnection "offered_connection" SignedIn Nothing reads _ _;
    AcceptConnection "accept_connection" SignedIn Recent ChangeFromAddress recorded way_in;
    Connections "connections" SignedIn Nothing reads _ _;
    Disconnect "disconnect" SignedIn Recent ChangeFromAddress recorded way_in;
    GetAllSessions "get_all_sessions" SignedIn Nothing reads _ _;
    SignOut "sign_out" SignedIn Nothing ChangeFromAddress recorded _;
    Leave "sign_out" SignedIn Nothing ChangeFromAddress recorded _;
    EndAtProvider "end_at_provider" NoSession Nothing ChangeFromAddress recorded _;
    EndByProvider "end_by_provider" NoSession Nothing by_verb recorded _;
    SignOutAll "sign_out_all" SignedIn Nothing ChangeFromAddress recorded _;
    SignOutAllExceptCurrent "sign_out_all_except_current" SignedIn Nothing ChangeFromAddress recorded _;
    UpdateUser "update_user" SignedInOrApiKey Nothing ChangeFromAddress _ _;
    UpdateSecondFactor "update_second_factor" SignedInOrApiKey ByContent ChangeFromAddress recorded way_in;
    ChangePicture "change_picture" SignedIn Nothing ChangeFromAddress _ _;
    RemovePicture "remove_picture" SignedIn Nothing ChangeFromAddress _ _;
    UserObject "user_object" SignedInOrApiKey Nothing ReadFromAddress _ _;
    CreateBucket "create_bucket" SignedInOrApiKey Nothing WriteStorage recorded _;
    ListBuckets "list_buckets" SignedInOrApiKey Nothing by_verb _ _;
    StorageStats "storage_stats" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketExists "bucket_exists" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketInfo "bucket_info" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketStats "bucket_stats" SignedInOrApiKey Nothing ReadFromAddress _ _;
    ChangeBucket "change_bucket" SignedInOrApiKey Nothing WriteStorage recorded _;
    EmptyBucket "empty_bucket" SignedInOrApiKey Nothing WriteStorage recorded _;
    DeleteBucket "delete_bucket" SignedInOrApiKey Nothing WriteStorage recorded _;
    SearchFiles "search_files" SignedInOrApiKey Nothing by_verb _ _;
    ListFiles "list_files" SignedInOrApiKey Nothing by_verb _ _;
    Upload "upload" SignedInOrApiKey Nothing WriteStorage recorded _;
    ReplaceFile "replace_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    FileExists "file_exists" SignedInOrApiKey Nothing ReadFromAddress _ _;
    FileInfo "file_info" SignedInOrApiKey Nothing ReadFromAddress _ _;
    DownloadFile "download_file" SignedInOrApiKey Nothing ReadFromAddress _ _;
    ChangeFile "change_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    DuplicateFile "duplicate_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    CopyFile "copy_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    MoveFile "move_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    DeleteFiles "delete_files" SignedInOrApiKey Nothing WriteStorage recorded _;
    DeleteNamedFile "delete_named_file" SignedInOrApiKey Nothing WriteStorage recorded _;
    DeleteFile "delete_file" SignedInOrApiKey Nothing WriteStorage recorded _;
}

impl Engine {
    /// Checks the row of an operation before its verb runs. `current` is the session of the call,
    /// looked up, where there is one.
    ///
    /// # Errors
    /// `RateLimitExceeded`; `MissingSessionToken`, `InvalidSessionToken`, or the failure of the
    /// look-up; `ProofNeeded`.
    pub(super) fn enforce(&self, rule: &Rule, caller: &Caller, current: Option<Outcome<Current>>) -> Outcome<()> {
        self.take_address_limit(rule, caller)?;
        if rule.session == Need::NoSession {
            return Ok(());
        }
        let has_api_key = rule.session == Need::SignedInOrApiKey && caller.is_operator;
        let current = match current {
            Some(current) => current?,
            None if has_api_key => return Ok(()),
            None => return Err(Code::MissingSessionToken.into()),
        };
        self.check_proof(rule, &current)
    }

    /// Locks the account of a session and looks both up again, with what the session has proved since.
    /// What the account holds is locked before, where the verb changes it.
    ///
    /// # Errors
    /// `InvalidSessionToken` once the session has ended, or goes on under another token; `ProofNeeded`.
    pub(super) async fn locked(
        &self,
        tx: &mut Transaction<'_>,
        current: &Current,
        operation: Operation,
    ) -> Outcome<Current> {
        let user_id = &current.account.user.id;
        tx.execute("update users set updated_at = updated_at where id = $1", values![user_id]).await?;
        let renewed = self.sessions().reload(tx, &current.member.session).await?;
        let (session, proved_at) = renewed.ok_or(Code::InvalidSessionToken)?;
        let account = accounts::reload(tx, user_id).await?.ok_or(Code::InvalidSessionToken)?;
        let member = Member { user: account.user.clone(), session };
        let current = Current { member, account, proved_at };
        self.check_proof(&operation.rule(), &current)?;
        Ok(current)
    }

    fn check_proof(&self, rule: &Rule, current: &Current) -> Outcome<()> {
        match rule.proof {
            Proof::InCall if wants_factor(current) => Err(Code::ProofNeeded.into()),
            Proof::Recent => require_fresh_proof(self, current),
            Proof::InCall | Proof::Nothing | Proof::ByContent => Ok(()),
        }
    }

    /// Takes one from the allowance of the client address, where the row has one.
    ///
    /// # Errors
    /// `RateLimitExceeded`.
    pub(super) fn take_address_limit(&self, rule: &Rule, caller: &Caller) -> Outcome<()> {
        match rule.address_limit {
            AddressLimit::Takes(action) => self.limits().take_from_caller(action, caller, self.now()),
            AddressLimit::ByVerb | AddressLimit::Read => Ok(()),
        }
    }
}
