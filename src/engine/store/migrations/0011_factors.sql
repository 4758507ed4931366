-- Authenticator apps, recovery codes, and browsers that somebody signed in with before.

alter table users add column authenticator bigint not null default 0;

-- The key that counts, the one that waits for its first code, and the former one.
create table authenticators (
    user_id text not null references users (id) on delete cascade,
    -- 0: it waits. 1: it counts. 2: another one took its place.
    confirmed bigint not null,
    -- Sealed.
    secret bytea not null,
    -- The last step whose code was taken (RFC 6238 §5.2): no earlier one counts, nor that one again.
    step bigint not null,
    created_at bigint not null,
    primary key (user_id, confirmed)
);

create table recovery_codes (
    user_id text not null references users (id) on delete cascade,
    digest bytea not null,
    primary key (user_id, digest)
);

create table devices (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    digest bytea not null unique,
    user_agent text not null,
    address text,
    last_seen_at bigint not null,
    -- Until when it is not asked for a second factor.
    trusted_until bigint
);
create index devices_user_id on devices (user_id, last_seen_at);

-- Guesses that are left at what is not sent: codes of an authenticator app and recovery codes.
alter table challenges add column guesses bigint not null default 5;
-- 0: the phone was the first factor and cannot be the second one as well.
alter table challenges add column text_counts bigint not null default 1;
