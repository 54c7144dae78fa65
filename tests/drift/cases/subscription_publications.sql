-- finds: subscription-publications | subscription papers
ALTER SUBSCRIPTION papers SET PUBLICATION another WITH (refresh = false);
