-- The six digits beside a mailed link: a digest of them, and how many guesses are left. They are typed in the browser that asked
-- for the mail (browser_digest), and die long before the link does (tokens.rs). Null: the mail has a link only.
alter table links add column code_digest bytea;
alter table links add column code_guesses bigint not null default 0;

-- What a link that says "that was not me" takes back, besides what each of them does (flows/not_me.rs).
alter table links add column undo text;

create index links_email on links (email);
