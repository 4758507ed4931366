//! The table of operations: requirements of each operation of the port, declared once for both
//! channels.
//!
//! # The contract
//!
//! * [`Operation::rule`] is exhaustive: an operation without a row does not compile.
//! * [`Engine::enforce`] runs before the verb, whichever channel called, and fails closed: a
//!   session that cannot be looked up lets no verb run that needs one (S83).
//! * Every change of a way into the account (email, phone, password, second factor, provider,
//!   recovery codes, trusted browser) needs a recent proof (S20, S103) and, where the account has a
//!   second factor, a session that has shown it (S104). The proof is the password in the call, or
//!   a sign-in or reauthentication within ten minutes.
//! * [`Engine::locked`] repeats the look behind the lock of the account. Every verb that changes a
//!   way in for a session asks it: whoever waited for the database while the owner took the account
//!   back, or switched a second factor on, changes nothing (S21).
//! * A verb decides only what depends on the content of the call ([`RequiredProof::ByContent`]), by
//!   the same functions of `operations/reauthentication.rs`.

use super::{
    Engine,
    limits::LimitedAction,
    operations::{require_fresh_proof, wants_factor},
    sessions::Current,
    store::{Transaction, values},
    users::accounts,
};
use crate::port::{Caller, Code, Outcome, SignedInUser};

/// Requirements of one operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requirement {
    /// Name in the security log and in the metrics.
    pub(super) name: &'static str,
    pub(super) session: Need,
    pub(super) proof: RequiredProof,
    pub(super) address_limit: AddressLimit,
    /// Whether the security log has an entry for each call (S82).
    pub(super) audited: bool,
    /// Whether it adds, changes or removes a way into an account.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests of the table"))]
    pub(super) changes_way_in: bool,
}

/// Allowance of the client address, and of the networks around it, that an operation takes (S109).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressLimit {
    /// Taken before the verb runs.
    Takes(LimitedAction),
    /// Taken by the verb, for the emails, SMS, accounts, guesses or searches that it makes.
    ByVerb,
    /// None: reads of the account of a session, which cost one look-up. A session token has 256
    /// bits, so guessing at one is no attack.
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
pub(super) enum RequiredProof {
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
    ($(
        $operation:ident $name:literal $session:ident $proof:ident $limit:tt $audited:tt $way_in:tt;
    )*) => {
        /// An operation of the port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operation { $($operation),* }

        impl Operation {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$operation),*];

            /// Looks the row up.
            pub(super) fn rule(self) -> Requirement {
                match self {
                    $(Self::$operation => Requirement {
                        name: $name,
                        session: Need::$session,
                        proof: RequiredProof::$proof,
                        address_limit: limit!($limit),
                        audited: yes!($audited),
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
        AddressLimit::Takes(LimitedAction::$limit)
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
    SignedInUser "signed_in_user" SignedIn Nothing reads _ _;
    SignUpWithEmail "sign_up_with_email" NoSession Nothing by_verb audited _;
    CorrectSignUpEmail "correct_sign_up_email" NoSession Nothing by_verb audited _;
    ResendVerificationEmail "resend_verification_email" NoSession Nothing by_verb audited _;
    SignInWithEmail "sign_in_with_email" NoSession Nothing by_verb audited _;
    GetAuthGrant "get_auth_grant" NoSession Nothing GuessFromAddress audited _;
    FinishWhereBegun "finish_where_begun" NoSession Nothing GuessFromAddress audited _;
    ReadPhone "read_phone" NoSession Nothing ReadPhone _ _;
    SignUpWithPhone "sign_up_with_phone" NoSession Nothing by_verb audited _;
    VerifyPhone "verify_phone" NoSession InCall by_verb audited way_in;
    ResendVerificationCode "resend_verification_code" NoSession Nothing by_verb audited _;
    SignInWithPhone "sign_in_with_phone" NoSession Nothing by_verb audited _;
    SendSignInCode "send_sign_in_code" NoSession Nothing by_verb audited _;
    SignInWithCode "sign_in_with_code" NoSession Nothing by_verb audited _;
    SendResetPasswordCode "send_reset_password_code" NoSession Nothing by_verb audited _;
    ResetPasswordWithCode "reset_password_with_code" NoSession InCall by_verb audited way_in;
    ChangePhone "change_phone" SignedIn InCall by_verb audited way_in;
    SetPhone "set_phone" SignedIn Recent by_verb audited way_in;
    VerifyOwnPhone "verify_own_phone" SignedIn InCall GuessFromAddress audited way_in;
    SignInWithSecondFactor "sign_in_with_second_factor"
        NoSession Nothing GuessFromAddress audited _;
    SecondFactors "second_factors" SignedIn Nothing reads _ _;
    SwitchSmsFactor "switch_sms_factor" SignedIn Recent ChangeFromAddress audited way_in;
    BeginAuthenticator "begin_authenticator" SignedIn Recent ChangeFromAddress audited way_in;
    WaitingAuthenticator "waiting_authenticator" SignedIn Recent reads _ _;
    ConfirmAuthenticator "confirm_authenticator" SignedIn Recent GuessFromAddress audited way_in;
    RemoveAuthenticator "remove_authenticator" SignedIn Recent ChangeFromAddress audited way_in;
    MakeRecoveryCodes "make_recovery_codes" SignedIn Recent ChangeFromAddress audited way_in;
    UntrustBrowsers "untrust_browsers" SignedIn Recent ChangeFromAddress audited way_in;
    ResendSecondFactor "resend_second_factor" NoSession Nothing GuessFromAddress audited _;
    SendMagicLinkEmail "send_magic_link_email" NoSession Nothing by_verb audited _;
    SendResetPasswordEmail "send_reset_password_email" NoSession Nothing by_verb audited _;
    ResetPasswordWithToken "reset_password_with_token"
        NoSession InCall GuessFromAddress audited way_in;
    ProofMethods "proof_methods" SignedIn Nothing reads _ _;
    SendProofCode "send_proof_code" SignedIn Nothing by_verb audited _;
    Reauthenticate "reauthenticate" SignedIn Nothing GuessFromAddress audited _;
    ChangePassword "change_password" SignedIn InCall GuessFromAddress audited way_in;
    ChangeEmail "change_email" SignedIn InCall by_verb audited way_in;
    ConfirmEmailChange "confirm_email_change" NoSession InCall GuessFromAddress audited way_in;
    ConfirmEmailChangeWithPassword "confirm_email_change_with_password"
        NoSession InCall GuessFromAddress audited way_in;
    ConfirmEmailChangeWithCode "confirm_email_change_with_code"
        SignedIn InCall by_verb audited way_in;
    OpenEmailCode "open_email_code" NoSession Nothing by_verb audited _;
    DescribeLink "describe_link" NoSession Nothing GuessFromAddress _ _;
    ChooseLinkPassword "choose_link_password" NoSession InCall GuessFromAddress audited way_in;
    DescribeEmailChange "describe_email_change" NoSession Nothing GuessFromAddress _ _;
    DescribeAccountRecovery "describe_account_recovery" NoSession Nothing GuessFromAddress _ _;
    RecoverAccount "recover_account" NoSession InCall GuessFromAddress audited way_in;
    BeginProvider "begin_provider" NoSession ByContent by_verb _ _;
    FinishProvider "finish_provider" NoSession InCall GuessFromAddress audited way_in;
    OfferedConnection "offered_connection" SignedIn Nothing reads _ _;
    AcceptConnection "accept_connection" SignedIn Recent ChangeFromAddress audited way_in;
    Connections "connections" SignedIn Nothing reads _ _;
    Disconnect "disconnect" SignedIn Recent ChangeFromAddress audited way_in;
    GetAllSessions "get_all_sessions" SignedIn Nothing reads _ _;
    SignOut "sign_out" SignedIn Nothing ChangeFromAddress audited _;
    SignOutWithProvider "sign_out" SignedIn Nothing ChangeFromAddress audited _;
    EndProviderSession "end_provider_session" NoSession Nothing ChangeFromAddress audited _;
    BackChannelLogout "back_channel_logout" NoSession Nothing by_verb audited _;
    SignOutAll "sign_out_all" SignedIn Nothing ChangeFromAddress audited _;
    SignOutAllExceptCurrent "sign_out_all_except_current"
        SignedIn Nothing ChangeFromAddress audited _;
    UpdateUser "update_user" SignedInOrApiKey Nothing ChangeFromAddress _ _;
    UpdateSecondFactor "update_second_factor"
        SignedInOrApiKey ByContent ChangeFromAddress audited way_in;
    ChangePicture "change_picture" SignedIn Nothing ChangeFromAddress _ _;
    RemovePicture "remove_picture" SignedIn Nothing ChangeFromAddress _ _;
    UserObject "user_object" SignedInOrApiKey Nothing ReadFromAddress _ _;
    CreateBucket "create_bucket" SignedInOrApiKey Nothing WriteStorage audited _;
    ListBuckets "list_buckets" SignedInOrApiKey Nothing by_verb _ _;
    StorageStats "storage_stats" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketExists "bucket_exists" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketInfo "bucket_info" SignedInOrApiKey Nothing ReadFromAddress _ _;
    BucketStats "bucket_stats" SignedInOrApiKey Nothing ReadFromAddress _ _;
    ChangeBucket "change_bucket" SignedInOrApiKey Nothing WriteStorage audited _;
    EmptyBucket "empty_bucket" SignedInOrApiKey Nothing WriteStorage audited _;
    DeleteBucket "delete_bucket" SignedInOrApiKey Nothing WriteStorage audited _;
    SearchFiles "search_files" SignedInOrApiKey Nothing by_verb _ _;
    ListFiles "list_files" SignedInOrApiKey Nothing by_verb _ _;
    Upload "upload" SignedInOrApiKey Nothing WriteStorage audited _;
    ReplaceFile "replace_file" SignedInOrApiKey Nothing WriteStorage audited _;
    FileExists "file_exists" SignedInOrApiKey Nothing ReadFromAddress _ _;
    FileInfo "file_info" SignedInOrApiKey Nothing ReadFromAddress _ _;
    DownloadFile "download_file" SignedInOrApiKey Nothing ReadFromAddress _ _;
    ChangeFile "change_file" SignedInOrApiKey Nothing WriteStorage audited _;
    DuplicateFile "duplicate_file" SignedInOrApiKey Nothing WriteStorage audited _;
    CopyFile "copy_file" SignedInOrApiKey Nothing WriteStorage audited _;
    MoveFile "move_file" SignedInOrApiKey Nothing WriteStorage audited _;
    DeleteFiles "delete_files" SignedInOrApiKey Nothing WriteStorage audited _;
    DeleteNamedFile "delete_named_file" SignedInOrApiKey Nothing WriteStorage audited _;
    DeleteFile "delete_file" SignedInOrApiKey Nothing WriteStorage audited _;
}

impl Engine {
    /// Checks the row of an operation before its verb runs. `current` is the session of the call,
    /// looked up, where there is one.
    ///
    /// # Errors
    /// `RateLimitExceeded`; `MissingSessionToken`, `InvalidSessionToken`, or the failure of the
    /// look-up; `ProofNeeded`.
    pub(super) fn enforce(
        &self,
        rule: &Requirement,
        caller: &Caller,
        current: Option<Outcome<Current>>,
    ) -> Outcome<()> {
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

    /// Locks the account of a session and looks both up again, with what the session has proved
    /// since. What the account holds is locked before, where the verb changes it.
    ///
    /// # Errors
    /// `InvalidSessionToken` once the session has ended, or goes on under another token;
    /// `ProofNeeded`.
    pub(super) async fn locked(
        &self,
        tx: &mut Transaction<'_>,
        current: &Current,
        operation: Operation,
    ) -> Outcome<Current> {
        let user_id = &current.account.user.id;
        tx.execute("update users set updated_at = updated_at where id = $1", values![user_id])
            .await?;
        let renewed = self.sessions().reload(tx, &current.signed_in_user.session).await?;
        let (session, proved_at) = renewed.ok_or(Code::InvalidSessionToken)?;
        let account = accounts::reload(tx, user_id).await?.ok_or(Code::InvalidSessionToken)?;
        let signed_in_user = SignedInUser { user: account.user.clone(), session };
        let current = Current { signed_in_user, account, proved_at };
        self.check_proof(&operation.rule(), &current)?;
        Ok(current)
    }

    fn check_proof(&self, rule: &Requirement, current: &Current) -> Outcome<()> {
        match rule.proof {
            RequiredProof::InCall if wants_factor(current) => Err(Code::ProofNeeded.into()),
            RequiredProof::Recent => require_fresh_proof(self, current),
            RequiredProof::InCall | RequiredProof::Nothing | RequiredProof::ByContent => Ok(()),
        }
    }

    /// Takes one from the allowance of the client address, where the row has one.
    ///
    /// # Errors
    /// `RateLimitExceeded`.
    pub(super) fn take_address_limit(&self, rule: &Requirement, caller: &Caller) -> Outcome<()> {
        match rule.address_limit {
            AddressLimit::Takes(action) => {
                self.limits().take_from_caller(action, caller, self.now())
            }
            AddressLimit::ByVerb | AddressLimit::Read => Ok(()),
        }
    }
}
