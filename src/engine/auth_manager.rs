//! The port, answered by the embedded backend: each operation is the verb of its name.

use std::future::Future;

use tracing::Instrument as _;

use super::{Engine, flows, rules::Operation, shown::Shown, watched::Watch};
use crate::port::{
    AccessToken, Answer, AuthManager, AuthenticatorKey, Caller, Challenge, ChallengeToken, Connection, Connections,
    EndedByProvider, Entrance, Failure, FarewellTicket, Field, FieldUpdate, Grant, LinkAccount, LinkKey, LogoutToken,
    MailedFor, Member, NotMe, Offers, Outcome, Password, Phone, PhoneVerified, Proof, ProofMethods, Proved,
    ProviderAnswer, ProviderFarewell, ProviderFor, ProviderReturn, RecoveryCodes, Refusal, SecondFactorOf,
    SecondFactors, Session, SignUpWithEmail, SignUpWithPhone, SignedUp, User,
};

impl AuthManager for Engine {
    fn offers(&self) -> &Offers {
        &self.0.offers
    }

    fn member(&self, caller: Caller) -> Answer<Member> {
        self.guarded(Operation::Member, caller, |engine, caller| async move {
            Ok(engine.current(&caller).await?.member.shown(&engine.settings().user_fields))
        })
    }

    fn sign_up_with_email(&self, caller: Caller, sign_up: SignUpWithEmail) -> Answer<SignedUp> {
        self.watched(Watch::on(Operation::SignUpWithEmail, &caller), |engine| async move {
            flows::sign_up_with_email(&engine, &caller, sign_up).await
        })
    }

    fn correct_sign_up_email(&self, caller: Caller, old_email: String, new_email: String) -> Answer<()> {
        self.watched(Watch::on(Operation::CorrectSignUpEmail, &caller), |engine| async move {
            flows::correct_sign_up_email(&engine, &caller, &old_email, &new_email).await
        })
    }

    fn resend_verification_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on(Operation::ResendVerificationEmail, &caller), |engine| async move {
            flows::resend_verification_email(&engine, &caller, &email).await
        })
    }

    fn sign_in_with_email(&self, caller: Caller, email: String, password: Password) -> Answer<Entrance> {
        self.watched(Watch::on(Operation::SignInWithEmail, &caller), |engine| async move {
            flows::sign_in_with_email(&engine, &caller, &email, &password).await
        })
    }

    fn get_auth_grant(&self, caller: Caller, token: AccessToken) -> Answer<Entrance> {
        self.watched(Watch::on(Operation::GetAuthGrant, &caller), |engine| async move {
            flows::get_auth_grant(&engine, &caller, &token).await
        })
    }

    fn finish_where_begun(&self, caller: Caller, token: AccessToken) -> Answer<Option<Entrance>> {
        self.watched(Watch::on(Operation::FinishWhereBegun, &caller), |engine| async move {
            flows::finish_where_begun(&engine, &caller, &token).await
        })
    }

    fn read_phone(&self, caller: Caller, typed: String, country: String) -> Answer<Phone> {
        self.guarded(Operation::ReadPhone, caller, |engine, _| async move {
            let phone = engine.parse_phone_in(typed, country).await?;
            phone.map_err(|code| Refusal::at(Field::Phone, code).into())
        })
    }

    fn sign_up_with_phone(&self, caller: Caller, sign_up: SignUpWithPhone) -> Answer<SignedUp> {
        self.watched(Watch::on(Operation::SignUpWithPhone, &caller), |engine| async move {
            flows::sign_up_with_phone(&engine, &caller, sign_up).await
        })
    }

    fn verify_phone(&self, caller: Caller, phone: String, code: String) -> Answer<PhoneVerified> {
        self.watched(Watch::on(Operation::VerifyPhone, &caller), |engine| async move {
            flows::verify_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn resend_verification_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on(Operation::ResendVerificationCode, &caller), |engine| async move {
            flows::resend_verification_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_phone(&self, caller: Caller, phone: String, password: Password) -> Answer<Entrance> {
        self.watched(Watch::on(Operation::SignInWithPhone, &caller), |engine| async move {
            flows::sign_in_with_phone(&engine, &caller, &phone, &password).await
        })
    }

    fn send_sign_in_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on(Operation::SendSignInCode, &caller), |engine| async move {
            flows::send_sign_in_code(&engine, &caller, &phone).await
        })
    }

    fn sign_in_with_code(&self, caller: Caller, phone: String, code: String) -> Answer<Entrance> {
        self.watched(Watch::on(Operation::SignInWithCode, &caller), |engine| async move {
            flows::sign_in_with_code(&engine, &caller, &phone, &code).await
        })
    }

    fn send_reset_password_code(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on(Operation::SendResetPasswordCode, &caller), |engine| async move {
            flows::send_reset_password_code(&engine, &caller, &phone).await
        })
    }

    fn reset_password_with_code(
        &self,
        caller: Caller,
        phone: String,
        code: String,
        new_password: Password,
    ) -> Answer<()> {
        self.watched(Watch::on(Operation::ResetPasswordWithCode, &caller), |engine| async move {
            flows::reset_password_with_code(&engine, &caller, &phone, &code, &new_password).await
        })
    }

    fn change_phone(&self, caller: Caller, current_password: Option<Password>, new_phone: String) -> Answer<User> {
        self.watched(Watch::on(Operation::ChangePhone, &caller), |engine| async move {
            flows::change_phone(&engine, &caller, current_password.as_ref(), &new_phone).await
        })
    }

    fn set_phone(&self, caller: Caller, phone: String) -> Answer<()> {
        self.watched(Watch::on(Operation::SetPhone, &caller), |engine| async move {
            flows::set_phone(&engine, &caller, &phone).await
        })
    }

    fn verify_own_phone(&self, caller: Caller, phone: String, code: String) -> Answer<User> {
        self.watched(Watch::on(Operation::VerifyOwnPhone, &caller), |engine| async move {
            flows::verify_own_phone(&engine, &caller, &phone, &code).await
        })
    }

    fn sign_in_with_second_factor(
        &self,
        caller: Caller,
        of: SecondFactorOf,
        code: String,
        trust: bool,
    ) -> Answer<Grant> {
        self.watched(Watch::on(Operation::SignInWithSecondFactor, &caller), |engine| async move {
            flows::sign_in_with_second_factor(&engine, &caller, of, &code, trust).await
        })
    }

    fn second_factors(&self, caller: Caller) -> Answer<SecondFactors> {
        self.guarded(Operation::SecondFactors, caller, |engine, caller| async move {
            flows::second_factors(&engine, &caller).await
        })
    }

    fn switch_text_factor(&self, caller: Caller, on: bool) -> Answer<Option<RecoveryCodes>> {
        self.watched(Watch::on(Operation::SwitchTextFactor, &caller), |engine| async move {
            flows::switch_text_factor(&engine, &caller, on).await
        })
    }

    fn begin_authenticator(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on(Operation::BeginAuthenticator, &caller), |engine| async move {
            flows::begin_authenticator(&engine, &caller).await
        })
    }

    fn waiting_authenticator(&self, caller: Caller) -> Answer<Option<AuthenticatorKey>> {
        self.guarded(Operation::WaitingAuthenticator, caller, |engine, caller| async move {
            flows::waiting_authenticator(&engine, &caller).await
        })
    }

    fn confirm_authenticator(&self, caller: Caller, code: String) -> Answer<Option<RecoveryCodes>> {
        self.watched(Watch::on(Operation::ConfirmAuthenticator, &caller), |engine| async move {
            flows::confirm_authenticator(&engine, &caller, &code).await
        })
    }

    fn remove_authenticator(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on(Operation::RemoveAuthenticator, &caller), |engine| async move {
            flows::remove_authenticator(&engine, &caller).await
        })
    }

    fn make_recovery_codes(&self, caller: Caller) -> Answer<RecoveryCodes> {
        self.watched(Watch::on(Operation::MakeRecoveryCodes, &caller), |engine| async move {
            flows::make_recovery_codes(&engine, &caller).await
        })
    }

    fn untrust_browsers(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.watched(Watch::on(Operation::UntrustBrowsers, &caller), |engine| async move {
            flows::untrust_browsers(&engine, &caller, handle.as_deref()).await
        })
    }

    fn resend_second_factor(&self, caller: Caller, challenge: ChallengeToken) -> Answer<Challenge> {
        self.watched(Watch::on(Operation::ResendSecondFactor, &caller), |engine| async move {
            flows::resend_second_factor(&engine, &caller, &challenge).await
        })
    }

    fn send_magic_link_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on(Operation::SendMagicLinkEmail, &caller), |engine| async move {
            flows::send_magic_link_email(&engine, &caller, &email).await
        })
    }

    fn send_reset_password_email(&self, caller: Caller, email: String) -> Answer<()> {
        self.watched(Watch::on(Operation::SendResetPasswordEmail, &caller), |engine| async move {
            flows::send_reset_password_email(&engine, &caller, &email).await
        })
    }

    fn reset_password_with_token(&self, caller: Caller, token: AccessToken, new_password: Password) -> Answer<()> {
        self.watched(Watch::on(Operation::ResetPasswordWithToken, &caller), |engine| async move {
            flows::reset_password_with_token(&engine, &caller, &token, &new_password).await
        })
    }

    fn proof_methods(&self, caller: Caller) -> Answer<ProofMethods> {
        self.guarded(Operation::ProofMethods, caller, |engine, caller| async move {
            flows::proof_methods(&engine, &caller).await
        })
    }

    fn send_proof_code(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on(Operation::SendProofCode, &caller), |engine| async move {
            flows::send_proof_code(&engine, &caller).await
        })
    }

    fn prove(&self, caller: Caller, proof: Proof) -> Answer<Proved> {
        let session = self.watched(Watch::on(Operation::Prove, &caller), |engine| async move {
            flows::prove(&engine, &caller, proof).await
        });
        Box::pin(async move { session.await.map(Proved::Session) })
    }

    fn change_password(&self, caller: Caller, old_password: Password, new_password: Password) -> Answer<Session> {
        self.watched(Watch::on(Operation::ChangePassword, &caller), |engine| async move {
            flows::change_password(&engine, &caller, &old_password, &new_password).await
        })
    }

    fn change_email(&self, caller: Caller, current_password: Option<Password>, new_email: String) -> Answer<User> {
        self.watched(Watch::on(Operation::ChangeEmail, &caller), |engine| async move {
            flows::change_email(&engine, &caller, current_password.as_ref(), &new_email).await
        })
    }

    fn confirm_email_change(&self, caller: Caller, key: LinkKey) -> Answer<User> {
        self.watched(Watch::on(Operation::ConfirmEmailChange, &caller), |engine| async move {
            flows::confirm_email_change(&engine, &caller, &key, None).await
        })
    }

    fn confirm_email_change_with_code(&self, caller: Caller, new_email: String, code: String) -> Answer<User> {
        self.watched(Watch::on(Operation::ConfirmEmailChangeWithCode, &caller), |engine| async move {
            flows::confirm_email_change_with_code(&engine, &caller, &new_email, &code).await
        })
    }

    fn open_mail_code(
        &self,
        caller: Caller,
        mailed_for: MailedFor,
        email: String,
        code: String,
    ) -> Answer<AccessToken> {
        self.watched(Watch::on(Operation::OpenMailCode, &caller), |engine| async move {
            flows::open_mail_code(&engine, &caller, mailed_for, &email, &code).await
        })
    }

    fn describe_link(&self, caller: Caller, token: AccessToken) -> Answer<Option<LinkAccount>> {
        self.guarded(Operation::DescribeLink, caller, |engine, caller| async move {
            flows::describe_link(&engine, &caller, &token).await
        })
    }

    fn choose_link_password(
        &self,
        caller: Caller,
        token: AccessToken,
        password: Option<Password>,
    ) -> Answer<Option<String>> {
        self.watched(Watch::on(Operation::ChooseLinkPassword, &caller), |engine| async move {
            flows::choose_link_password(&engine, &caller, &token, password.as_ref()).await
        })
    }

    fn confirm_email_change_with_password(&self, caller: Caller, key: LinkKey, password: Password) -> Answer<User> {
        self.watched(Watch::on(Operation::ConfirmEmailChangeWithPassword, &caller), |engine| async move {
            flows::confirm_email_change(&engine, &caller, &key, Some(&password)).await
        })
    }

    fn describe_email_change(&self, caller: Caller, key: LinkKey) -> Answer<Option<LinkAccount>> {
        self.guarded(Operation::DescribeEmailChange, caller, |engine, caller| async move {
            flows::describe_email_change(&engine, &caller, &key).await.map(Some)
        })
    }

    fn describe_not_me(&self, caller: Caller, key: LinkKey) -> Answer<NotMe> {
        self.guarded(Operation::DescribeNotMe, caller, |engine, _| async move {
            flows::describe_not_me(&engine, &key).await
        })
    }

    fn report_not_me(&self, caller: Caller, key: LinkKey) -> Answer<AccessToken> {
        self.watched(Watch::on(Operation::ReportNotMe, &caller), |engine| async move {
            flows::report_not_me(&engine, &caller, &key).await
        })
    }

    fn begin_provider(&self, caller: Caller, provider: String, purpose: ProviderFor) -> Answer<String> {
        self.watched(Watch::on(Operation::BeginProvider, &caller), |engine| async move {
            flows::begin_provider(&engine, &caller, &provider, purpose).await
        })
    }

    fn finish_provider(&self, caller: Caller, provider: String, answer: ProviderAnswer) -> Answer<ProviderReturn> {
        self.watched(Watch::on(Operation::FinishProvider, &caller), |engine| async move {
            flows::finish_provider(&engine, &caller, &provider, answer).await
        })
    }

    fn offered_connection(&self, caller: Caller, offer: String) -> Answer<Option<Connection>> {
        self.guarded(Operation::OfferedConnection, caller, |engine, caller| async move {
            flows::offered_connection(&engine, &caller, &offer).await
        })
    }

    fn accept_connection(&self, caller: Caller, offer: String) -> Answer<()> {
        self.watched(Watch::on(Operation::AcceptConnection, &caller), |engine| async move {
            flows::accept_connection(&engine, &caller, &offer).await
        })
    }

    fn connections(&self, caller: Caller) -> Answer<Connections> {
        self.guarded(Operation::Connections, caller, |engine, caller| async move {
            flows::connections(&engine, &caller).await
        })
    }

    fn disconnect(&self, caller: Caller, provider: String) -> Answer<()> {
        self.watched(Watch::on(Operation::Disconnect, &caller), |engine| async move {
            flows::disconnect(&engine, &caller, &provider).await
        })
    }

    fn get_all_sessions(&self, caller: Caller) -> Answer<Vec<Session>> {
        self.guarded(Operation::GetAllSessions, caller, |engine, caller| async move {
            flows::get_all_sessions(&engine, &caller).await
        })
    }

    fn sign_out(&self, caller: Caller, handle: Option<String>) -> Answer<()> {
        self.watched(Watch::on(Operation::SignOut, &caller), |engine| async move {
            flows::sign_out(&engine, &caller, handle.as_deref()).await
        })
    }

    fn leave(&self, caller: Caller) -> Answer<Option<ProviderFarewell>> {
        self.watched(Watch::on(Operation::Leave, &caller), |engine| async move { flows::leave(&engine, &caller).await })
    }

    fn end_at_provider(&self, caller: Caller, ticket: FarewellTicket, state: String) -> Answer<String> {
        self.watched(Watch::on(Operation::EndAtProvider, &caller), |engine| async move {
            flows::end_at_provider(&engine, &ticket, &state).await
        })
    }

    fn end_by_provider(&self, caller: Caller, provider: String, token: LogoutToken) -> Answer<EndedByProvider> {
        self.watched(Watch::on(Operation::EndByProvider, &caller), |engine| async move {
            flows::end_by_provider(&engine, &caller, &provider, &token).await
        })
    }

    fn sign_out_all(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on(Operation::SignOutAll, &caller), |engine| async move {
            flows::sign_out_all(&engine, &caller).await
        })
    }

    fn sign_out_all_except_current(&self, caller: Caller) -> Answer<()> {
        self.watched(Watch::on(Operation::SignOutAllExceptCurrent, &caller), |engine| async move {
            flows::sign_out_all_except_current(&engine, &caller).await
        })
    }

    fn update_user(&self, caller: Caller, updates: Vec<FieldUpdate>) -> Answer<User> {
        let watch = Watch::on(flows::operation_of_update(&updates), &caller);
        self.watched(watch, |engine| async move { flows::update_user(&engine, &caller, updates).await })
    }

    fn change_picture(&self, caller: Caller, picture: Vec<u8>) -> Answer<User> {
        self.watched(Watch::on(Operation::ChangePicture, &caller), |engine| async move {
            flows::change_picture(&engine, &caller, picture).await
        })
    }

    fn remove_picture(&self, caller: Caller) -> Answer<User> {
        self.watched(Watch::on(Operation::RemovePicture, &caller), |engine| async move {
            flows::remove_picture(&engine, &caller).await
        })
    }
}

impl Engine {
    /// Runs a verb that writes as a task of its own: it is finished when the caller hangs up, and a panic in it is a failure
    /// of this one operation (SECURITY.md S79).
    pub(super) fn finish<T, F>(&self, verb: impl FnOnce(Self) -> F) -> Answer<T>
    where
        T: Shown + Send + 'static,
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
