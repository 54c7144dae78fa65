-- finds: foreign-server-options | foreign server elsewhere
ALTER SERVER elsewhere OPTIONS (SET host 'b');
