-- Whether a sign-in that waits may be named by its number alone, as the wire does. One of our own pages is named by its token,
-- so that nobody who only knows the number can use up its guesses.

alter table challenges add column by_phone bigint not null default 1;
