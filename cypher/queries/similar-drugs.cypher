// name: similar-drugs
// topic: A drug
// about: The drugs most similar to a drug, with the run's attention to each.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, name string, kernel string, similarity float, attention_rank integer, excess float
MATCH (d:Drug {id: $drug})-[s:SIMILAR_TO]-(o:Drug)
OPTIONAL MATCH (d)-[a:ATTENDS]->(o)
WHERE a.run_id = $run
RETURN DISTINCT o.id AS drug, o.name AS name, s.kernel AS kernel, s.similarity AS similarity,
       a.rank AS attention_rank, a.excess AS excess
ORDER BY similarity DESC, drug, kernel
LIMIT $limit
