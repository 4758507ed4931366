-- Who asked for a code, or began a sign-in that its number names (codes.rs): guesses of others do not use up its guesses. Others have
-- a few of their own, for those who type a code somewhere else than where they asked for it.

alter table codes add column asked_by text not null default '';
alter table codes add column other_guesses bigint not null default 5;
alter table challenges add column asked_by text not null default '';
alter table challenges add column other_guesses bigint not null default 5;
