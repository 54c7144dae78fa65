-- All enumerations, in one place. Their names are quoted and mixed-case throughout: unquoted, PostgreSQL folds them to
-- lower case, and "TopicTrend" and topictrend would be two types.

-- In the order of power: a role includes what the roles after it may do, so role <= 'ADMIN' is OWNER or ADMIN.
CREATE TYPE public."OrganizationRole" AS ENUM ('OWNER', 'ADMIN', 'MEMBER');
CREATE TYPE public."ProcessingStatus" AS ENUM ('pending', 'transcribing', 'diarizing', 'analyzing', 'completed', 'failed');
CREATE TYPE public."MomentType" AS ENUM ('decision', 'action_item', 'question', 'answer', 'emphasis', 'demonstration', 'conclusion', 'highlight');
CREATE TYPE public."ClipType" AS ENUM ('auto', 'manual');
CREATE TYPE public."ClipStatus" AS ENUM ('pending', 'processing', 'ready', 'failed');
CREATE TYPE public."HighlightReelStatus" AS ENUM ('draft', 'rendering', 'ready', 'failed');
CREATE TYPE public."TopicTrend" AS ENUM ('rising', 'stable', 'declining');
CREATE TYPE public."ActionItemStatus" AS ENUM ('pending', 'in_progress', 'completed', 'cancelled');
CREATE TYPE public."ActionItemPriority" AS ENUM ('high', 'medium', 'low');
