-- What is remembered of a sign-in at a provider, so that it can be ended there too, and from there: who said so, of whom, in which
-- session of theirs (`sid`), and, sealed, which of our providers it was and its id_token. It goes along from the access token over
-- the sign-in that waits for a second factor to the session, and is gone with each of them.

alter table oauth_grants add column login_issuer text;
alter table oauth_grants add column login_subject text;
alter table oauth_grants add column login_sid text;
alter table oauth_grants add column login_sealed bytea;

alter table challenges add column login_issuer text;
alter table challenges add column login_subject text;
alter table challenges add column login_sid text;
alter table challenges add column login_sealed bytea;

alter table sessions add column login_issuer text;
alter table sessions add column login_subject text;
alter table sessions add column login_sid text;
alter table sessions add column login_sealed bytea;

create index oauth_grants_login on oauth_grants (login_issuer, login_subject);
create index challenges_login on challenges (login_issuer, login_subject);
create index sessions_login on sessions (login_issuer, login_subject);
create index oauth_grants_login_sid on oauth_grants (login_issuer, login_sid);
create index challenges_login_sid on challenges (login_issuer, login_sid);
create index sessions_login_sid on sessions (login_issuer, login_sid);

-- Logouts that a provider told of. One row is one logout token: none is taken twice. A sign-in from before it that is still on its
-- way finds it here.
create table provider_logouts (
    issuer text not null,
    jti text not null,
    subject text,
    sid text,
    issued_at bigint not null,
    expires_at bigint not null,
    primary key (issuer, jti)
);
create index provider_logouts_expires_at on provider_logouts (expires_at);

-- People who signed out here and may want to at the provider too: what it needs to know of them, until they do.
create table provider_farewells (
    ticket_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    login_issuer text not null,
    login_subject text not null,
    login_sid text,
    login_sealed bytea not null,
    expires_at bigint not null
);
create index provider_farewells_expires_at on provider_farewells (expires_at);
