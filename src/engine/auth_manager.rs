//! The port, answered by the embedded backend: each operation is the verb of its name.

use std::future::Future;

use tracing::Instrument as _;

use super::{Engine, audit::Audited, operations, rules::Operation, users::answers::EngineAnswer};
use crate::port::{
    AccessToken, AccountRecovery, Answer, AuthManager, AuthenticatorKey, Caller, Capabilities,
    Challenge, ChallengeToken, ConnectedProvider, Connections, EmailedFor, Failure, Field,
    FieldUpdate, Grant, LinkAccount, LinkKey, LogoutByProvider, LogoutToken, Outcome, Password,
    Phone, PhoneVerified, Proof, ProofMethods, ProviderAnswer, ProviderFor, ProviderLogoutOffer,
    ProviderLogoutToken, ProviderReturn, Reauthenticated, RecoveryCodes, Refusal, SecondFactorOf,
    SecondFactors, Session, SignInOutcome, SignUpWithEmail, SignUpWithPhone, SignedInUser,
    SignedUp, User,
};

impl AuthManager for Engine {
    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn signed_in_user(&self, caller: Caller) -> Answer<SignedInUser> {
        self.guarded(Operation::SignedInUser, caller, |engine, caller| async move {
            Ok(engine.current(&caller).await?.signed_in_user.shown(&engine.settings().user_fields))
        })
    }

    fn sign_up_with_email(&self, caller: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp> {
        self.audited(Audited::on(Operation::SignUpWithEmail, &caller), |engine| async move {
            operations::sign_up_with_email(&engine, &caller, sign_up).await
        })
    }

    fn correct_sign_up_email(
        &self,
        caller: Caller,
        old_email: String,
        new_email: String,
    ) -> Answer<()> {
        self.audited(Audited::on(Operation::CorrectSignUpEmail, &caller), |engine| async move {
            operations::correct_sign_up_email(&engine, &caller, &old_email, &new_email).await
        })
    }

    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.audited(
            Audited::on(Operation::ResendVerificationEmail, &caller),
            |engine| async move {
                operations::resend_verification_email(&engine, &caller, &email).await
            },
        )
    }

    fn sign_in_with_email(
        &self,
        caller: Caller,
        email: String,
        password: Password,
    ) -> Answer<SignInOutcome> {
        self.audited(Audited::on(Operation::SignInWithEmail, &caller), |engine| async move {
            operations::sign_in_with_email(&engine, &caller, &email, &password).await
        })
    }

    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<SignInOutcome> {
        self.audited(Audited::on(Operation::GetAuthGrant, &caller), |engine| async move {
            operations::get_auth_grant(&engine, &caller, &token).await
        })
    }

    fn finish_where_begun(
        &self,
        caller: Caller,
        token: AccessToken,
    ) -> Answer<Option<SignInOutcome>> {
        self.audited(Audited::on(Operation::FinishWhereBegun, &caller), |engine| async move {
            operations::finish_where_begun(&engine, &caller, &token).await
        })
    }

    fn read_phone(&self, caller: Caller, entered: String, country: String) -> Answer<Phone> {
        self.guarded(Operation::ReadPhone, caller, |engine, _| async move {
            let phone = engine.parse_phone_in(entered, country).await?;
            phone.map_err(|code| Refusal::at(Field::Phone, code).into())
        })
    }

    fn sign_up_with_phone(&self, caller: Caller, sign_up: SignUpWithPhone) -> Answer<SignedUp> {
        self.audited(Audited::on(Operation::SignUpWithPhone, &caller), |engine| async move {
            operations::sign_up_with_phone(&engine, &caller, sign_up).await
        })
    }

    fn verify_phone(&self, caller: Caller, phone: String, code: String) -> Answer<PhoneVerified> {
        self.audited(Audited::on(Operation::VerifyPhone, &caller), |engine| async move {
            operations::verify_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn resend_verification_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.audited(Audited::on(Operation::ResendVerificationCode, &caller), |engine| async move {
            operations::resend_verification_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_phone(
        &self,
        caller: Caller,
        phone: String,
        password: Password,
    ) -> Answer<SignInOutcome> {
        self.audited(Audited::on(Operation::SignInWithPhone, &caller), |engine| async move {
            operations::sign_in_with_phone(&engine, &caller, &phone, &password).await
        })
    }

    fn send_sign_in_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.audited(Audited::on(Operation::SendSignInCode, &caller), |engine| async move {
            operations::send_sign_in_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
    ) -> Answer<SignInOutcome> {
        self.audited(Audited::on(Operation::SignInWithCode, &caller), |engine| async move {
            operations::sign_in_with_code(&engine, &caller, &phone, &code).await
        })
    }

    fn send_reset_password_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.audited(Audited::on(Operation::SendResetPasswordCode, &caller), |engine| async move {
            operations::send_reset_password_code(&engine, &caller, &phone).await
        })
    }

    fn reset_password_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
        new_password: Password,
    ) -> Answer<()> {
        self.audited(Audited::on(Operation::ResetPasswordWithCode, &caller), |engine| async move {
            operations::reset_password_with_code(&engine, &caller, &phone, &code, &new_password)
                .await
        })
    }

    fn change_phone(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_phone: String,
    ) -> Answer<User> {
        self.audited(Audited::on(Operation::ChangePhone, &caller), |engine| async move {
            operations::change_phone(&engine, &caller, current_password.as_ref(), &new_phone).await
        })
    }

    fn set_phone(&self, caller: Caller, phone: String) -> Answer<()> {
        self.audited(Audited::on(Operation::SetPhone, &caller), |engine| async move {
            operations::set_phone(&engine, &caller, &phone).await
        })
    }

    fn verify_own_phone(&self, caller: Caller, phone: String, code: String) -> Answer<User> {
        self.audited(Audited::on(Operation::VerifyOwnPhone, &caller), |engine| async move {
            operations::verify_own_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn sign_in_with_second_factor(
        &self,
        caller: Caller,
        of: SecondFactorOf,
        code: String,
        trust: bool,
    ) -> Answer<Grant> {
        self.audited(Audited::on(Operation::SignInWithSecondFactor, &caller), |engine| async move {
            operations::sign_in_with_second_factor(&engine, &caller, of, &code, trust).await
        })
    }

    fn second_factors(&self, caller: Caller) -> Answer<SecondFactors> {
        self.guarded(Operation::SecondFactors, caller, |engine, caller| async move {
            operations::second_factors(&engine, &caller).await
        })
    }

    fn switch_sms_factor(&self, caller: Caller, on: bool) -> Answer<Option<RecoveryCodes>> {
        self.audited(Audited::on(Operation::SwitchSmsFactor, &caller), |engine| async move {
            operations::switch_sms_factor(&engine, &caller, on).await
        })
    }

    fn begin_authenticator(&self, caller: Caller) -> Answer<()> {
        self.audited(Audited::on(Operation::BeginAuthenticator, &caller), |engine| async move {
            operations::begin_authenticator(&engine, &caller).await
        })
    }

    fn waiting_authenticator(&self, caller: Caller) -> Answer<Option<AuthenticatorKey>> {
        self.guarded(Operation::WaitingAuthenticator, caller, |engine, caller| async move {
            operations::waiting_authenticator(&engine, &caller).await
        })
    }

    fn confirm_authenticator(&self, caller: Caller, code: String) -> Answer<Option<RecoveryCodes>> {
        self.audited(Audited::on(Operation::ConfirmAuthenticator, &caller), |engine| async move {
            operations::confirm_authenticator(&engine, &caller, &code).await
        })
    }

    fn remove_authenticator(&self, caller: Caller) -> Answer<()> {
        self.audited(Audited::on(Operation::RemoveAuthenticator, &caller), |engine| async move {
            operations::remove_authenticator(&engine, &caller).await
        })
    }

    fn make_recovery_codes(&self, caller: Caller) -> Answer<RecoveryCodes> {
        self.audited(Audited::on(Operation::MakeRecoveryCodes, &caller), |engine| async move {
            operations::make_recovery_codes(&engine, &caller).await
        })
    }

    fn untrust_browsers(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.audited(Audited::on(Operation::UntrustBrowsers, &caller), |engine| async move {
            operations::untrust_browsers(&engine, &caller, handle.as_deref()).await
        })
    }

    fn resend_second_factor(&self, caller: Caller, challenge: ChallengeToken) -> Answer<Challenge> {
        self.audited(Audited::on(Operation::ResendSecondFactor, &caller), |engine| async move {
            operations::resend_second_factor(&engine, &caller, &challenge).await
        })
    }

    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.audited(Audited::on(Operation::SendMagicLinkEmail, &caller), |engine| async move {
            operations::send_magic_link_email(&engine, &caller, &email).await
        })
    }

    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.audited(Audited::on(Operation::SendResetPasswordEmail, &caller), |engine| async move {
            operations::send_reset_password_email(&engine, &caller, &email).await
        })
    }

    fn reset_password_with_token(
        &self,
        caller: Caller,
        token: AccessToken,
        new_password: Password,
    ) -> Answer<()> {
        self.audited(Audited::on(Operation::ResetPasswordWithToken, &caller), |engine| async move {
            operations::reset_password_with_token(&engine, &caller, &token, &new_password).await
        })
    }

    fn proof_methods(&self, caller: Caller) -> Answer<ProofMethods> {
        self.guarded(Operation::ProofMethods, caller, |engine, caller| async move {
            operations::proof_methods(&engine, &caller).await
        })
    }

    fn send_proof_code(&self, caller: Caller) -> Answer<()> {
        self.audited(Audited::on(Operation::SendProofCode, &caller), |engine| async move {
            operations::send_proof_code(&engine, &caller).await
        })
    }

    fn reauthenticate(&self, caller: Caller, proof: Proof) -> Answer<Reauthenticated> {
        let session = self
            .audited(Audited::on(Operation::Reauthenticate, &caller), |engine| async move {
                operations::reauthenticate(&engine, &caller, proof).await
            });
        Box::pin(async move { session.await.map(Reauthenticated::Session) })
    }

    fn change_password(
        &self,
        caller: Caller,
        old_password: Password,
        new_password: Password,
    ) -> Answer<Session> {
        self.audited(Audited::on(Operation::ChangePassword, &caller), |engine| async move {
            operations::change_password(&engine, &caller, &old_password, &new_password).await
        })
    }

    fn change_email(
        &self,
        caller: Caller,
        current_password: Option<Password>,
        new_email: String,
    ) -> Answer<User> {
        self.audited(Audited::on(Operation::ChangeEmail, &caller), |engine| async move {
            operations::change_email(&engine, &caller, current_password.as_ref(), &new_email).await
        })
    }

    fn confirm_email_change(&self, caller: Caller, key: LinkKey) -> Answer<User> {
        self.audited(Audited::on(Operation::ConfirmEmailChange, &caller), |engine| async move {
            operations::confirm_email_change(&engine, &caller, &key, None).await
        })
    }

    fn confirm_email_change_with_code(
        &self,
        caller: Caller,
        new_email: String,
        code: String,
    ) -> Answer<User> {
        self.audited(
            Audited::on(Operation::ConfirmEmailChangeWithCode, &caller),
            |engine| async move {
                operations::confirm_email_change_with_code(&engine, &caller, &new_email, &code)
                    .await
            },
        )
    }

    fn open_email_code(
        &self,
        caller: Caller,
        emailed_for: EmailedFor,
        email: String,
        code: String,
    ) -> Answer<AccessToken> {
        self.audited(Audited::on(Operation::OpenEmailCode, &caller), |engine| async move {
            operations::open_email_code(&engine, &caller, emailed_for, &email, &code).await
        })
    }

    fn describe_link(&self, caller: Caller, token: AccessToken) -> Answer<Option<LinkAccount>> {
        self.guarded(Operation::DescribeLink, caller, |engine, caller| async move {
            operations::describe_link(&engine, &caller, &token).await
        })
    }

    fn choose_link_password(
        &self,
        caller: Caller,
        token: AccessToken,
        password: Option<Password>,
    ) -> Answer<Option<String>> {
        self.audited(Audited::on(Operation::ChooseLinkPassword, &caller), |engine| async move {
            operations::choose_link_password(&engine, &caller, &token, password.as_ref()).await
        })
    }

    fn confirm_email_change_with_password(
        &self,
        caller: Caller,
        key: LinkKey,
        password: Password,
    ) -> Answer<User> {
        self.audited(
            Audited::on(Operation::ConfirmEmailChangeWithPassword, &caller),
            |engine| async move {
                operations::confirm_email_change(&engine, &caller, &key, Some(&password)).await
            },
        )
    }

    fn describe_email_change(&self, caller: Caller, key: LinkKey) -> Answer<Option<LinkAccount>> {
        self.guarded(Operation::DescribeEmailChange, caller, |engine, caller| async move {
            operations::describe_email_change(&engine, &caller, &key).await.map(Some)
        })
    }

    fn describe_account_recovery(&self, caller: Caller, key: LinkKey) -> Answer<AccountRecovery> {
        self.guarded(Operation::DescribeAccountRecovery, caller, |engine, _| async move {
            operations::describe_account_recovery(&engine, &key).await
        })
    }

    fn recover_account(&self, caller: Caller, key: LinkKey) -> Answer<AccessToken> {
        self.audited(Audited::on(Operation::RecoverAccount, &caller), |engine| async move {
            operations::recover_account(&engine, &caller, &key).await
        })
    }

    fn begin_provider(
        &self,
        caller: Caller,
        provider: String,
        purpose: ProviderFor,
    ) -> Answer<String> {
        self.audited(Audited::on(Operation::BeginProvider, &caller), |engine| async move {
            operations::begin_provider(&engine, &caller, &provider, purpose).await
        })
    }

    fn finish_provider(
        &self,
        caller: Caller,
        provider: String,
        answer: ProviderAnswer,
    ) -> Answer<ProviderReturn> {
        self.audited(Audited::on(Operation::FinishProvider, &caller), |engine| async move {
            operations::finish_provider(&engine, &caller, &provider, answer).await
        })
    }

    fn offered_connection(
        &self,
        caller: Caller,
        offer: String,
    ) -> Answer<Option<ConnectedProvider>> {
        self.guarded(Operation::OfferedConnection, caller, |engine, caller| async move {
            operations::offered_connection(&engine, &caller, &offer).await
        })
    }

    fn accept_connection(&self, caller: Caller, offer: String) -> Answer<()> {
        self.audited(Audited::on(Operation::AcceptConnection, &caller), |engine| async move {
            operations::accept_connection(&engine, &caller, &offer).await
        })
    }

    fn connections(&self, caller: Caller) -> Answer<Connections> {
        self.guarded(Operation::Connections, caller, |engine, caller| async move {
            operations::connections(&engine, &caller).await
        })
    }

    fn disconnect(&self, caller: Caller, provider: String) -> Answer<()> {
        self.audited(Audited::on(Operation::Disconnect, &caller), |engine| async move {
            operations::disconnect(&engine, &caller, &provider).await
        })
    }

    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>> {
        self.guarded(Operation::GetAllSessions, caller, |engine, caller| async move {
            operations::get_all_sessions(&engine, &caller).await
        })
    }

    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.audited(Audited::on(Operation::SignOut, &caller), |engine| async move {
            operations::sign_out(&engine, &caller, handle.as_deref()).await
        })
    }

    fn sign_out_with_provider(&self, caller: Caller) -> Answer<Option<ProviderLogoutOffer>> {
        self.audited(Audited::on(Operation::SignOutWithProvider, &caller), |engine| async move {
            operations::sign_out_with_provider(&engine, &caller).await
        })
    }

    fn end_provider_session(
        &self,
        caller: Caller,
        provider_logout_token: ProviderLogoutToken,
        state: String,
    ) -> Answer<String> {
        self.audited(Audited::on(Operation::EndProviderSession, &caller), |engine| async move {
            operations::end_provider_session(&engine, &provider_logout_token, &state).await
        })
    }

    fn back_channel_logout(
        &self,
        caller: Caller,
        provider: String,
        token: LogoutToken,
    ) -> Answer<LogoutByProvider> {
        self.audited(Audited::on(Operation::BackChannelLogout, &caller), |engine| async move {
            operations::back_channel_logout(&engine, &caller, &provider, &token).await
        })
    }

    fn sign_out_all(&self, caller: Caller) -> Answer<()> {
        self.audited(Audited::on(Operation::SignOutAll, &caller), |engine| async move {
            operations::sign_out_all(&engine, &caller).await
        })
    }

    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()> {
        self.audited(
            Audited::on(Operation::SignOutAllExceptCurrent, &caller),
            |engine| async move { operations::sign_out_all_except_current(&engine, &caller).await },
        )
    }

    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User> {
        let watch = Audited::on(operations::operation_of_update(&updates), &caller);
        self.audited(watch, |engine| async move {
            operations::update_user(&engine, &caller, updates).await
        })
    }

    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User> {
        self.audited(Audited::on(Operation::ChangePicture, &caller), |engine| async move {
            operations::change_picture(&engine, &caller, picture).await
        })
    }

    fn remove_picture(&self, caller: Caller) -> Answer<User> {
        self.audited(Audited::on(Operation::RemovePicture, &caller), |engine| async move {
            operations::remove_picture(&engine, &caller).await
        })
    }
}

impl Engine {
    /// Runs a verb that writes as a task of its own: it is finished when the caller hangs up, and a
    /// panic in it is a failure of this one operation (S79).
    pub(super) fn finish<T, F>(&self, verb: impl FnOnce(Self) -> F) -> Answer<T>
    where
        T: EngineAnswer + Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let (engine, work) = (self.clone(), verb(self.clone()));
        Box::pin(async move {
            match tokio::spawn(work.in_current_span()).await {
                Ok(outcome) => outcome.map(|answer| answer.shown(&engine.settings().user_fields)),
                Err(broken_off) => Err(Failure::broken(broken_off).into()),
            }
        })
    }
}
