-- Whether a second factor was shown in a session: at its sign-in, or as a proof later. Those of before are asked once more.

alter table sessions add column factor_shown bigint not null default 0;
