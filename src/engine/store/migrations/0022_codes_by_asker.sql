-- One code of each asker (codes.rs): a stranger who asks for a code does not invalidate the owner's.

create table codes_by_asker (
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    -- The number or address it was sent to, which is what it proves.
    target text not null,
    digest bytea not null,
    -- Guesses that are left to the asker, and to all others.
    guesses bigint not null,
    other_guesses bigint not null,
    -- Of a second factor the sign-in that asked for it, of a proof the session.
    challenge_id text,
    asked_by text not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (user_id, purpose, asked_by)
);
insert into codes_by_asker
    (user_id, purpose, target, digest, guesses, other_guesses, challenge_id, asked_by, created_at, expires_at)
    select user_id, purpose, target, digest, guesses, other_guesses, challenge_id, asked_by, created_at, expires_at
    from codes;
drop table codes;
alter table codes_by_asker rename to codes;
create index codes_target on codes (target, purpose);
create index codes_expires_at on codes (expires_at);
