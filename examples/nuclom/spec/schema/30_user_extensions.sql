-- What the application knows about a user, kept out of users so that better-auth's own migrations meet no column of ours.

CREATE TABLE public.user_extensions (
    user_id text PRIMARY KEY REFERENCES public.users (id) ON DELETE CASCADE,
    tos_accepted_at timestamp,
    marketing_consent boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE public.user_preferences (
    user_id text PRIMARY KEY REFERENCES public.users (id) ON DELETE CASCADE,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
